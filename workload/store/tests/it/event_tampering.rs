//! The audit trail against somebody who can write its tables but does not have the key: sealing continues, and
//! verification fails.

use store::events::{ChainFault, Head, Sealed, Verification, VerifyOptions};
use store::testing::{empty_database, execute, store};
use store::{DatabaseOptions, Store};
use time::Duration;

use crate::support::token_for;

/// A store with three sealed events.
async fn three_sealed() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    assert_eq!(add(&store, 0..3).await, Sealed { rows: 3, fault: None });
    (options, store)
}

/// Adds events and seals them.
async fn add(store: &Store, names: std::ops::Range<usize>) -> Sealed {
    for name in names {
        token_for(store, &format!("cluster-{name}"), Duration::HOUR).await;
    }
    store.seal_events().await.unwrap()
}

async fn verify(store: &Store) -> Verification {
    store.verify_events(&VerifyOptions::default()).await.unwrap()
}

const FORGED_ROW: &str =
    "INSERT INTO events (action, actor_kind, actor_id, actor_name, sequence, seal, seal_key)
    SELECT action, actor_kind, 'mallory', '', POSITION, sha256('x'), seal_key FROM events WHERE sequence = 2";

#[tokio::test]
async fn forged_rows_and_jumps_raise_the_alarm_and_do_not_stop_sealing() {
    for position in [4, 5, 1_000_000, i64::MAX - 1, i64::MAX] {
        let (options, store) = three_sealed().await;
        execute(&options, &FORGED_ROW.replace("POSITION", &position.to_string())).await.unwrap();
        assert!(store.event_head().await.unwrap().1.is_some(), "{position}");
        for round in 0..3 {
            let sealed = add(&store, 10 + 2 * round..12 + 2 * round).await;
            // Once the chain has passed the forged row, only verification finds it.
            assert!(sealed.rows == 2 && (sealed.fault.is_some() || round > 0), "{position}: {sealed:?}");
        }
        let fault = verify(&store).await.fault;
        assert!(
            matches!(fault, Some(ChainFault::Changed { .. } | ChainFault::Missing { .. })),
            "{position}: {fault:?}"
        );
    }
}

#[tokio::test]
async fn events_sealed_after_a_forged_row_can_be_verified() {
    let (options, store) = three_sealed().await;
    execute(&options, &FORGED_ROW.replace("POSITION", "4")).await.unwrap();
    let sealed = add(&store, 3..5).await;
    assert!(sealed.rows == 2 && matches!(sealed.fault, Some(ChainFault::Changed { sequence: 4, .. })));
    let from = VerifyOptions { from: Some(5), ..VerifyOptions::default() };
    let found = store.verify_events(&from).await.unwrap();
    assert_eq!((found.rows, found.fault), (2, None));
}

#[tokio::test]
async fn forged_checkpoint_is_not_believed_when_sealing() {
    for forgery in [
        "INSERT INTO event_checkpoints SELECT 9223372036854775807, seal, now(), seal, seal_key FROM events LIMIT 1",
        "INSERT INTO event_checkpoints SELECT 3, seal, now(), seal, seal_key FROM events WHERE sequence = 3;
         DELETE FROM events",
        "INSERT INTO event_checkpoints SELECT 50, seal, now(), seal, '\\x01020304' FROM events LIMIT 1",
    ] {
        let (options, store) = three_sealed().await;
        let (noted, _) = store.event_head().await.unwrap();
        execute(&options, forgery).await.unwrap();
        let sealed = add(&store, 3..4).await;
        assert!(sealed.rows == 1 && sealed.fault.is_some(), "{forgery}: {sealed:?}");
        assert!(verify(&store).await.fault.is_some(), "{forgery}");
        assert_eq!(store.event_head().await.unwrap().0.sequence, noted.sequence + 1, "{forgery}");
        let is_present = store.has_event_head(&noted).await.unwrap();
        assert_eq!(is_present, !forgery.contains("DELETE"), "{forgery}");
    }
}

#[tokio::test]
async fn wiped_trail_does_not_verify() {
    let everything = "DELETE FROM events; DELETE FROM event_checkpoints";
    for wipe in [everything.to_owned(), format!("{everything}; DELETE FROM event_heads")] {
        let (options, store) = three_sealed().await;
        execute(&options, &wipe).await.unwrap();
        assert!(verify(&store).await.fault.is_some(), "{wipe}");
        let sealed = add(&store, 3..5).await;
        assert!(sealed.rows == 2 && sealed.fault.is_some(), "{wipe}: {sealed:?}");
        assert!(verify(&store).await.fault.is_some(), "a shorter trail is not a new one: {wipe}");
    }
}

#[tokio::test]
async fn kept_head_that_was_removed_or_forged_is_remembered_after_sealing_continues() {
    for change in [
        "DELETE FROM event_heads",
        "UPDATE event_heads SET sequence = 2, seal = (SELECT seal FROM events WHERE sequence = 2)",
        "UPDATE event_heads SET sequence = 9223372036854775807",
        "UPDATE event_heads SET lost_after = 0",
        "UPDATE event_heads SET mac_key = '\\x00000000'",
    ] {
        let (options, store) = three_sealed().await;
        execute(&options, change).await.unwrap();
        let fault = verify(&store).await.fault;
        assert!(
            matches!(fault, Some(ChainFault::KeptHeadMissing | ChainFault::KeptHead { .. })),
            "{change}: {fault:?}"
        );
        assert_eq!(add(&store, 3..4).await.rows, 1, "{change}");
        assert_eq!(add(&store, 4..5).await, Sealed { rows: 1, fault: None }, "{change}");
        let found = verify(&store).await;
        let lost = Some(ChainFault::KeptHeadLost { sequence: 3 });
        assert_eq!((found.rows, found.fault), (5, lost), "{change}");
        let later = VerifyOptions { from: Some(5), ..VerifyOptions::default() };
        assert_eq!(store.verify_events(&later).await.unwrap().fault, None, "{change}");
    }
}

#[tokio::test]
async fn events_sealed_by_the_previous_version_are_followed() {
    let (options, store) = three_sealed().await;
    // It does not know the table.
    let kept = "CREATE TABLE kept AS SELECT * FROM event_heads";
    execute(&options, kept).await.unwrap();
    add(&store, 3..6).await;
    execute(&options, "DELETE FROM event_heads; INSERT INTO event_heads SELECT * FROM kept").await.unwrap();
    assert_eq!(verify(&store).await.fault, None);
    assert_eq!(add(&store, 6..7).await, Sealed { rows: 1, fault: None });
    let found = verify(&store).await;
    assert_eq!((found.rows, found.fault), (7, None));
}

#[tokio::test]
async fn empty_trail_keeps_a_head_from_the_beginning() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    assert_eq!(store.event_head().await.unwrap(), (Head::START, None));
    execute(&options, "DELETE FROM event_heads").await.unwrap();
    assert_eq!(verify(&store).await.fault, Some(ChainFault::KeptHeadMissing));
}
