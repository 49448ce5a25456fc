//! Text that misleads: what clusters, hubs and tokens say reaches no terminal as it is, and nobody can choose such names.

use std::collections::BTreeSet;

use agent::client::{ClusterClient, Exchange, Proof};
use fleet::Role;
use harness::hub::keys;
use harness::{Hub, ManagementUnit, process};
use protocol::text::needs_escape;
use serde_json::{Value, json};
use store::testing::execute;

/// Moves the cursor, reverses what follows, and hides between letters.
const TRICKS: &str = "a\u{1b}[2J\u{202e}b\u{200b}\u{9b}0mc";
const TRICKS_IN_SQL: &str = r"a\001B[2J\202Eb\200B\009B0mc";

/// A hub with a cluster and a token that were named before such names were refused.
async fn hub_with_old_names() -> Hub {
    let hub = Hub::start_unlimited().await;
    let site = hub.enrol("paris").await;
    let report = json!({
        "member_statuses": [{"status": TRICKS, "count": 1}],
        "instance_statuses": [{"status": TRICKS, "count": 2}],
        "storage_pool_usages": [{"name": TRICKS, "member": TRICKS, "total": 10, "usage": 9}],
        "ui_url": format!("https://{TRICKS}"),
    });
    // What the hub does not take of it costs nothing more than that.
    let _ = site.heartbeat(report.to_string().into_bytes()).await;
    hub.token("rome");
    let sql = format!(
        "UPDATE remote_clusters SET name = U&'{TRICKS_IN_SQL}', description = U&'{TRICKS_IN_SQL}';
        UPDATE remote_cluster_tokens SET description = U&'{TRICKS_IN_SQL}';"
    );
    execute(&hub.database, &sql).await.unwrap();
    hub
}

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(entries) => entries.iter().for_each(|entry| texts(entry, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_prints_hostile_text_as_it_is() {
    let hub = hub_with_old_names().await;
    let unit = ManagementUnit::start(&hub).await;
    let token = unit.as_role(&hub, Role::Admin).await.token().unwrap().to_owned();
    let remote = [
        ("CLUSTER_MANAGER_REMOTE", format!("https://localhost:{}", unit.address.port())),
        ("CLUSTER_MANAGER_CA_FILE", hub.folder().join("management/tls.crt").to_string_lossy().into_owned()),
        ("CLUSTER_MANAGER_TOKEN", token),
    ];
    let remote: Vec<_> = remote.map(|(name, value)| (name.to_owned(), value)).into();
    for (variables, is_remote) in [(hub.variables().to_vec(), false), (remote, true)] {
        for command in [
            &["cluster", "list"][..],
            &["cluster", "show", TRICKS],
            &["token", "list"],
            &["event", "list"],
            &["service-account", "list"],
            // Failures that repeat what was asked for.
            &["cluster", "show", "\u{202e}nobody\u{1b}[2J"],
            &["cluster", "remove", "\u{202e}nobody\u{1b}[2J", "--yes"],
            &["token", "revoke", "\u{202e}nobody\u{1b}[2J"],
        ] {
            for format in ["table", "json", "yaml"] {
                let arguments = [command, &["--output", format]].concat();
                let ended = process::run("cluster-manager", &variables, &arguments);
                let case = format!("{arguments:?}, remote: {is_remote}: {ended:?}");
                assert!(!needs_escape(&ended.out) && !needs_escape(&ended.err), "{case}");
                let shows_it = ["cluster", "token"].contains(&command[0]) && ended.code == Some(0);
                match format {
                    "table" => assert!(
                        !shows_it || ended.out.contains(r"a\u{1b}[2J\u{202e}b\u{200b}\u{9b}0mc"),
                        "{case}"
                    ),
                    _ if ended.code != Some(0) => {}
                    _ => {
                        let value: Value = match format {
                            "json" => serde_json::from_str(&ended.out).unwrap(),
                            _ => serde_yaml::from_str(&ended.out).unwrap(),
                        };
                        let mut found = BTreeSet::new();
                        texts(&value, &mut found);
                        assert!(!shows_it || found.contains(TRICKS), "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn names_and_descriptions_that_mislead_are_refused_by_api_and_command_line() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    hub.enrol("paris").await;
    let admin = unit.as_role(&hub, Role::Admin).await;
    for (text, problem) in [
        ("a\u{202e}b", "cannot contain invisible characters (U+202E)"),
        ("a\u{2066}b", "cannot contain invisible characters (U+2066)"),
        ("a\u{200d}b", "cannot contain invisible characters (U+200D)"),
        ("a\u{feff}", "cannot contain invisible characters (U+FEFF)"),
        (" a", "cannot begin or end with a blank"),
        ("a\u{a0}", "cannot begin or end with a blank"),
        ("a\u{1b}[2J", "cannot contain control characters"),
    ] {
        let tokens = "/1.0/remote-cluster-join-token";
        let account = json!({"name": "ci", "role": "viewer", "description": text});
        for (method, path, body) in [
            ("POST", tokens, json!({"cluster_name": text})),
            ("POST", tokens, json!({"cluster_name": "a", "description": text})),
            ("PATCH", "/1.0/remote-cluster/paris", json!({"description": text})),
            ("POST", "/1.0/service-account", account),
        ] {
            let reply = admin.send_json(method, path, body.clone()).await;
            let (status, error) = reply.error();
            assert!(status == 400 && error.contains(problem), "{method} {path} {body}: {}", reply.text);
        }
        let name = json!({"name": text, "role": "viewer"});
        assert_eq!(admin.send_json("POST", "/1.0/service-account", name).await.status, 400, "{text:?}");
        for arguments in [
            &["token", "create", text][..],
            &["token", "create", "a", "--description", text],
            &["cluster", "set", "paris", "--description", text],
            &["service-account", "create", "ci", "--role", "viewer", "--description", text],
        ] {
            let ended = process::run("cluster-manager", hub.variables(), arguments);
            assert!(ended.code == Some(2) && ended.err.contains(problem), "{arguments:?}: {ended:?}");
        }
    }
    assert!(hub.store.join_tokens().await.unwrap().is_empty());
}

#[tokio::test]
async fn cluster_with_an_old_name_goes_on_reporting_and_can_be_configured() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    let site = hub.enrol("paris").await;
    execute(&hub.database, "UPDATE remote_clusters SET name = U&' pa\\200Bris ', description = U&'\\202E'")
        .await
        .unwrap();
    site.heartbeat(b"{}".as_slice()).await.unwrap();
    let operator = unit.as_role(&hub, Role::Operator).await;
    let path = "/1.0/remote-cluster/%20pa%E2%80%8Bris%20";
    assert_eq!(operator.send_json("PATCH", path, json!({"disk_threshold": 70})).await.status, 200);
    assert_eq!(operator.get(path).await.metadata()["name"], " pa\u{200b}ris ");
    assert_eq!(operator.send("DELETE", path).await.status, 200);
}

/// The token as mails deliver it: wrapped, quoted, in quotation marks, without padding, in the alphabet for URLs.
fn mangled(token: &str) -> [String; 7] {
    let wrap = |width: usize, line_break: &str, quoting: &str| -> String {
        let lines =
            token.as_bytes().chunks(width).map(|line| format!("{quoting}{}", str::from_utf8(line).unwrap()));
        lines.collect::<Vec<_>>().join(line_break)
    };
    [
        wrap(64, "\n", ""),
        wrap(76, "\r\n", ""),
        wrap(70, "\n", "> "),
        format!("\"{token}\""),
        format!("\u{201c}{token}\u{201d}"),
        token.replace('=', ""),
        token.replace('+', "-").replace('/', "_").replace('=', ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn join_token_survives_the_mail() {
    let hub = Hub::start().await;
    for number in 0..7 {
        // A long name, with letters whose encoding needs both special digits.
        let name = format!("straße ÿþ ??>>~~ {number}");
        let token = hub.token(&name);
        let received = &mangled(&token)[number];
        let site = ClusterClient::from_token(received, keys(&name)).unwrap();
        // As clients do that do not look into the token.
        let answer: Exchange =
            site.exchange(site.join_request(received, Proof::Token).unwrap()).await.unwrap();
        assert_eq!(answer.response.status, 200, "{received}");

        let name = format!("by hmac {number}");
        let received = &mangled(&hub.token(&name))[number];
        agent::client::join(received, keys(&name), Proof::Hmac).await.unwrap();
    }
}
