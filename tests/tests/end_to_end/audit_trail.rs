//! The audit trail: written and sealed by units, listed and verified on the command line.

use std::time::Duration;

use harness::{Hub, process, wait};
use rustix::process::Signal;
use serde_json::Value;
use store::events::Head;
use store::testing::{empty_database, execute};

async fn hub_with_rows() -> Hub {
    let hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    assert_eq!(hub.cli(["migrate"]).code, Some(0));
    for name in ["a/b", "c"] {
        hub.token(name);
    }
    assert_eq!(hub.cli(["token", "revoke", "c"]).code, Some(0));
    hub.store.seal_events().await.unwrap();
    hub
}

#[tokio::test]
async fn event_list_is_readable_and_machine_readable() {
    let hub = hub_with_rows().await;
    let table = hub.cli(["event", "list", "--action", "token"]);
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 4, "{table:?}");
    assert!(lines[0].contains("WHO") && lines[1].contains("token.revoked"), "{table:?}");
    assert!(lines[3].contains("a/b") && lines[3].contains("(command-line)"), "{table:?}");
    let json = hub.cli(["event", "list", "--cluster", "c", "--since", "1h", "-n", "1", "-o", "json"]);
    let events: Vec<Value> = serde_json::from_str(&json.out).unwrap();
    assert_eq!(events.len(), 1, "{json:?}");
    assert_eq!((&events[0]["action"], &events[0]["sealed"]), (&"token.revoked".into(), &true.into()));
    assert_eq!(hub.cli(["event", "list", "--until", "1h", "-o", "json"]).out.trim(), "[]");
    assert!(hub.cli(["event", "list", "--until", "1h"]).out.contains("No events match"));
    for wrong in [["--limit", "0"], ["--since", "yesterday"]] {
        assert_eq!(hub.cli(["event", "list", wrong[0], wrong[1]]).code, Some(2));
    }
}

#[tokio::test]
async fn verify_reports_what_holds_and_fails_on_a_broken_chain() {
    let hub = hub_with_rows().await;
    let head = hub.store.event_head().await.unwrap().0.to_string();
    let holds = hub.cli(["event", "verify", "--head", &head]);
    assert_eq!((holds.code, holds.err.as_str()), (Some(0), ""), "{holds:?}");
    assert!(holds.out.starts_with("The audit trail is intact") && holds.out.contains(&head), "{holds:?}");
    assert!(holds.out.contains("3 events, sequence 1 to 3, written 2"), "{holds:?}");
    let zeros = format!("3:{}", "0".repeat(64));
    let another = hub.cli(["event", "verify", "--head", &zeros]);
    assert!(another.code == Some(1) && another.err.contains("the seal of row 3 differs"), "{another:?}");
    assert_eq!(hub.cli(["event", "verify", "--head", "3"]).code, Some(2));

    execute(&hub.database, "DELETE FROM events WHERE sequence = 3").await.unwrap();
    for cut in [hub.cli(["event", "verify"]), hub.cli(["event", "verify", "--head", &head])] {
        assert!(cut.code == Some(1) && cut.err.contains("row 3 is missing: the chain ends at 2"), "{cut:?}");
    }
    execute(&hub.database, "UPDATE events SET actor_name = 'mallory' WHERE sequence = 2").await.unwrap();
    let changed = hub.cli(["event", "verify", "-o", "json"]);
    assert!(changed.code == Some(1) && changed.err.contains("row 2 (event 2) is not the one"), "{changed:?}");
    let found: Value = serde_json::from_str(&changed.out).unwrap();
    assert_eq!((&found["holds"], &found["rows"]), (&false.into(), &1.into()));
}

#[tokio::test]
async fn unit_seals_events_and_logs_the_head_before_it_ends() {
    let hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    let unit = hub.start_program().await;
    hub.token("a");
    wait::until("the row is sealed", Duration::from_secs(20), async || {
        hub.store.event_head().await.unwrap().0 != Head::START
    })
    .await;
    let (head, _) = hub.store.event_head().await.unwrap();
    unit.signal(Signal::TERM);
    let (_, said) = unit.ends(Duration::from_secs(20)).await;
    let seal = head.to_string();
    let seal = seal.split_once(':').unwrap().1;
    assert!(said.contains("the head of the audit trail") && said.contains(seal), "{said}");
    assert_eq!(hub.cli(["event", "verify", "--head", &head.to_string()]).code, Some(0));
}

#[tokio::test]
async fn events_sealed_with_the_connectors_key_verify_after_a_key_file_is_set() {
    let hub = hub_with_rows().await;
    let keys = hub.folder().join("keys");
    std::fs::write(&keys, "0123456789abcdef0123456789abcdef\n").unwrap();
    let mut variables = hub.variables().to_vec();
    variables.push(("ENCRYPTION_KEY_FILE".to_owned(), keys.display().to_string()));
    let store = cli::setup::store(&settings::Source::from_variables(variables.clone()).unwrap()).unwrap();
    hub.token("later");
    store.seal_events().await.unwrap();
    let both = process::run("cluster-manager", &variables, ["event", "verify", "-o", "json"]);
    let found: Value = serde_json::from_str(&both.out).unwrap();
    assert_eq!((both.code, &found["keys"][1]["first"]), (Some(0), &4.into()), "{both:?}");
    // The connector's key alone does not verify events that the file's key sealed.
    let one = hub.cli(["event", "verify"]);
    assert!(one.code == Some(1) && one.err.contains("does NOT verify: row 4"), "{one:?}");
    assert!(!one.err.to_lowercase().contains("append"), "a forger can name any key: {one:?}");
}
