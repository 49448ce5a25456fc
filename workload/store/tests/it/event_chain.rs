//! The chain of seals: it is complete whichever unit seals, and changes without the key are detected.

use secrecy::SecretSlice;
use store::events::{ChainFault, Head, Sealed, Verification, VerifyOptions};
use store::testing::{empty_database, execute, store, texts};
use store::{Crypter, DatabaseOptions, Store};
use time::Duration;

use crate::support::token_for;

async fn empty() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    (options, store)
}

/// A store with this many sealed events.
async fn sealed(rows: usize) -> (DatabaseOptions, Store) {
    let (options, store) = empty().await;
    add(&store, 0..rows).await;
    assert_eq!(store.seal_events().await.unwrap(), Sealed { rows: rows as u64, fault: None });
    (options, store)
}

async fn add(store: &Store, names: std::ops::Range<usize>) {
    for name in names {
        token_for(store, &format!("cluster-{name}"), Duration::HOUR).await;
    }
}

async fn verify(store: &Store) -> Verification {
    store.verify_events(&VerifyOptions::default()).await.unwrap()
}

async fn verify_with(store: &Store, head: Head) -> Verification {
    store.verify_events(&VerifyOptions { heads: vec![head], ..VerifyOptions::default() }).await.unwrap()
}

async fn head(store: &Store) -> Head {
    let (head, fault) = store.event_head().await.unwrap();
    assert_eq!(fault, None);
    head
}

fn crypter(keys: &[u8]) -> Crypter {
    let materials: Vec<_> = keys.iter().map(|byte| SecretSlice::from(vec![*byte; 32])).collect();
    Crypter::new(&materials).unwrap()
}

/// Changes the database as somebody with its password, but without the key, could.
async fn tamper(options: &DatabaseOptions, sql: &str) {
    execute(options, sql).await.unwrap();
}

#[tokio::test]
async fn empty_trail_verifies() {
    let (_, store) = empty().await;
    assert_eq!(store.seal_events().await.unwrap().rows, 0);
    let found = verify(&store).await;
    assert_eq!((found.rows, found.head, found.fault), (0, Head::START, None));
}

#[tokio::test]
async fn sealed_events_verify_and_unsealed_events_are_counted() {
    let (_, store) = sealed(3).await;
    add(&store, 3..5).await;
    let found = verify(&store).await;
    assert_eq!((found.rows, found.unsealed, found.fault), (3, 2, None));
    assert_eq!((found.first.unwrap().sequence, found.last.unwrap().sequence), (1, 3));
    assert_eq!((found.keys.len(), found.keys[0].first, found.keys[0].last), (1, 1, 3));
    let age = store.now().await.unwrap() - found.first.unwrap().at;
    assert!(age >= Duration::ZERO && age < Duration::MINUTE, "{age}");
    assert_eq!(found.head, head(&store).await);
}

#[tokio::test]
async fn two_units_sealing_concurrently_make_one_chain_without_gaps() {
    let (options, _) = empty().await;
    let writers = (0..4).map(|writer| {
        let store = store(&options);
        tokio::spawn(async move { add(&store, writer * 50..(writer + 1) * 50).await })
    });
    let writers: Vec<_> = writers.collect();
    let sealers = (0..2).map(|_| {
        let store = store(&options);
        tokio::spawn(async move {
            let mut sealed = 0;
            while verify(&store).await.rows < 200 {
                sealed += store.seal_events().await.unwrap().rows;
            }
            sealed
        })
    });
    let sealers: Vec<_> = sealers.collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut sealed = 0;
    for sealer in sealers {
        sealed += sealer.await.unwrap();
    }
    let found = verify(&store(&options)).await;
    assert_eq!((sealed, found.rows, found.unsealed, found.fault), (200, 200, 0, None));
}

#[tokio::test]
async fn event_that_commits_late_is_sealed_late_but_not_missed() {
    let (options, store) = sealed(1).await;
    // As if it had taken its id before the first event, in a transaction that lasted until now.
    tamper(
        &options,
        "INSERT INTO events (id, action, actor_kind, actor_id, actor_name) VALUES (-1, 'a', 'hub', '', '')",
    )
    .await;
    assert_eq!(store.seal_events().await.unwrap().rows, 1);
    assert_eq!(texts(&options, "SELECT id FROM events ORDER BY sequence").await.unwrap(), ["1", "-1"]);
    assert_eq!(verify(&store).await.fault, None);
}

#[tokio::test]
async fn any_changed_column_is_detected() {
    for change in [
        "at = at + interval '1 microsecond'",
        "action = 'token.revoked'",
        "actor_kind = 'hub'",
        "actor_id = 'mallory'",
        "actor_name = NULLIF(actor_name, '') || ' '",
        "cluster_uid = gen_random_uuid()",
        "cluster_name = NULL",
        "subject = ''",
        "before = '{}'",
        "after = (replace(after::text, 'made', 'mode'))::json",
        "address = '192.0.2.1'",
        "request_id = 'x'",
        "count = 2",
        "id = 1000",
        "seal = set_byte(seal, 31, get_byte(seal, 31) # 1)",
    ] {
        let (options, store) = sealed(3).await;
        tamper(&options, &format!("UPDATE events SET {change} WHERE sequence = 2")).await;
        let id = if change.starts_with("id") { 1000 } else { 2 };
        assert_eq!(verify(&store).await.fault, Some(ChainFault::Changed { sequence: 2, id }), "{change}");
    }
}

#[tokio::test]
async fn removed_row_is_detected() {
    let (options, store) = sealed(3).await;
    tamper(&options, "DELETE FROM events WHERE sequence = 2").await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Missing { expected: 2, found: 3 }));
    tamper(&options, "UPDATE events SET sequence = 2 WHERE sequence = 3").await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Changed { sequence: 2, id: 3 }));
}

#[tokio::test]
async fn removed_beginning_is_detected() {
    let (options, store) = sealed(3).await;
    tamper(&options, "DELETE FROM events WHERE sequence = 1").await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Missing { expected: 1, found: 2 }));
}

#[tokio::test]
async fn removed_end_is_detected_and_sealing_continues_after_it() {
    let (options, store) = sealed(3).await;
    let noted = head(&store).await;
    assert_eq!(verify_with(&store, noted).await.fault, None);
    tamper(&options, "DELETE FROM events WHERE sequence = 3").await;
    let missing = ChainFault::HeadMissing { sequence: 3, last: 2 };
    assert_eq!(verify(&store).await.fault, Some(missing), "the kept head shows it");
    assert_eq!(verify_with(&store, noted).await.fault, Some(missing));
    assert!(!store.has_event_head(&noted).await.unwrap());
    add(&store, 3..5).await;
    assert_eq!(store.seal_events().await.unwrap(), Sealed { rows: 2, fault: Some(missing) });
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Missing { expected: 3, found: 4 }));
    let rest = VerifyOptions { heads: vec![noted], from: Some(4) };
    let found = store.verify_events(&rest).await.unwrap();
    assert_eq!((found.rows, found.fault), (2, None), "the rest can be verified with a head from the log");
}

#[tokio::test]
async fn swapped_rows_are_detected() {
    let (options, store) = sealed(3).await;
    tamper(
        &options,
        "UPDATE events SET sequence = 9 WHERE sequence = 1; UPDATE events SET sequence = 1 WHERE sequence = 2;
         UPDATE events SET sequence = 2 WHERE sequence = 9",
    )
    .await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Changed { sequence: 1, id: 2 }));
}

#[tokio::test]
async fn forged_row_is_detected() {
    let (options, store) = sealed(2).await;
    tamper(
        &options,
        "INSERT INTO events (action, actor_kind, actor_id, actor_name, sequence, seal, seal_key)
         SELECT action, actor_kind, 'mallory', '', 3, sha256('x'), seal_key FROM events WHERE sequence = 2",
    )
    .await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Changed { sequence: 3, id: 3 }));
    tamper(&options, "UPDATE events SET seal_key = '\\x00000000' WHERE sequence = 3").await;
    let unknown = ChainFault::UnknownKey { sequence: 3, id: 3, key: [0; 4] };
    assert_eq!(verify(&store).await.fault, Some(unknown));
}

#[tokio::test]
async fn duplicated_row_is_detected() {
    let (options, store) = sealed(2).await;
    tamper(
        &options,
        "ALTER TABLE events DROP CONSTRAINT events_sequence_key;
         INSERT INTO events (action, actor_kind, actor_id, actor_name, sequence, seal, seal_key)
         SELECT action, actor_kind, 'mallory', '', 1, seal, seal_key FROM events WHERE sequence = 1",
    )
    .await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Missing { expected: 2, found: 1 }));
}

#[tokio::test]
async fn chain_verifies_after_old_events_are_removed() {
    let (options, store) = empty().await;
    add(&store, 0..3).await;
    // The seal covers the time, so they must be old before they are sealed.
    tamper(&options, "UPDATE events SET at = at - interval '10 days' WHERE id <= 2").await;
    store.seal_events().await.unwrap();
    add(&store, 3..4).await;
    tamper(&options, "UPDATE events SET at = at - interval '10 days' WHERE id = 4").await;
    let head = head(&store).await;
    assert_eq!(store.remove_old_events(11).await.unwrap().rows, 0);
    assert_eq!(store.remove_old_events(9).await.unwrap().rows, 2);
    assert_eq!(
        texts(&options, "SELECT id FROM events ORDER BY id").await.unwrap(),
        ["3", "4"],
        "unsealed events are kept"
    );
    let found = verify_with(&store, head).await;
    assert_eq!((found.rows, found.unsealed, found.fault), (1, 1, None));
    assert_eq!((found.checkpoint.unwrap().head.sequence, found.first.unwrap().sequence), (2, 3));
    // Row 4 is old, but follows one that is not: only the beginning of the chain is removed.
    store.seal_events().await.unwrap();
    assert_eq!(store.remove_old_events(9).await.unwrap().rows, 0);
    assert_eq!(store.remove_old_events(0).await.unwrap().rows, 2);
    let found = verify(&store).await;
    assert_eq!((found.rows, found.head.sequence, found.fault), (0, 4, None));
    add(&store, 4..5).await;
    store.seal_events().await.unwrap();
    let found = verify(&store).await;
    assert_eq!(
        (found.rows, found.head.sequence, found.fault),
        (1, 5, None),
        "the chain continues after the checkpoint"
    );
    let old = verify_with(&store, head).await.fault;
    assert_eq!(old, Some(ChainFault::HeadTooOld { sequence: 3, begins: 4 }));
}

#[tokio::test]
async fn forged_checkpoint_is_detected() {
    for forgery in [
        "UPDATE event_checkpoints SET sequence = 2, seal = (SELECT seal FROM events WHERE sequence = 2);
         DELETE FROM events WHERE sequence = 2",
        "UPDATE event_checkpoints SET at = at - interval '1 second'",
        "UPDATE event_checkpoints SET seal = sha256('x')",
        "DELETE FROM event_checkpoints; INSERT INTO event_checkpoints
         SELECT sequence, seal, now(), seal, seal_key FROM events WHERE sequence = 2",
    ] {
        let (options, store) = empty().await;
        add(&store, 0..3).await;
        tamper(&options, "UPDATE events SET at = at - interval '10 days' WHERE id = 1").await;
        store.seal_events().await.unwrap();
        store.remove_old_events(9).await.unwrap();
        assert_eq!(verify(&store).await.fault, None);
        tamper(&options, forgery).await;
        let fault = verify(&store).await.fault;
        assert!(matches!(fault, Some(ChainFault::Checkpoint { .. })), "{forgery}: {fault:?}");
        assert!(store.remove_old_events(0).await.unwrap().fault.is_some(), "{forgery}");
    }
}

#[tokio::test]
async fn removed_checkpoint_is_detected() {
    let (options, store) = sealed(3).await;
    store.remove_old_events(0).await.unwrap();
    add(&store, 3..4).await;
    store.seal_events().await.unwrap();
    tamper(&options, "DELETE FROM event_checkpoints").await;
    assert_eq!(verify(&store).await.fault, Some(ChainFault::Missing { expected: 1, found: 4 }));
}

#[tokio::test]
async fn old_rows_that_do_not_verify_are_kept() {
    let (options, store) = sealed(3).await;
    tamper(&options, "UPDATE events SET at = at - interval '10 days' WHERE sequence = 2").await;
    let removal = store.remove_old_events(9).await.unwrap();
    assert_eq!((removal.rows, removal.fault), (0, None), "row 1 is not old");
    tamper(&options, "UPDATE events SET at = at - interval '10 days'").await;
    let removal = store.remove_old_events(9).await.unwrap();
    assert_eq!((removal.rows, removal.fault), (0, Some(ChainFault::Changed { sequence: 1, id: 1 })));
}

#[tokio::test]
async fn new_key_continues_the_chain_of_the_old_key() {
    let options = empty_database().await.unwrap();
    let with = |keys: &[u8]| Store::new(options.clone(), crypter(keys)).unwrap();
    let old = with(&[1]);
    old.migrate().await.unwrap();
    add(&old, 0..2).await;
    old.seal_events().await.unwrap();
    let noted = head(&old).await;
    let both = with(&[2, 1]);
    add(&both, 2..3).await;
    both.seal_events().await.unwrap();
    let found = verify(&both).await;
    assert_eq!(found.fault, None);
    let spans: Vec<_> = found.keys.iter().map(|span| (span.first, span.last)).collect();
    assert_eq!(spans, [(1, 2), (3, 3)]);
    // Without the old key only the rows after it can be verified.
    let new = with(&[2]);
    let unknown = ChainFault::UnknownKey { sequence: 1, id: 1, key: found.keys[0].key };
    assert_eq!(verify(&new).await.fault, Some(unknown));
    assert_eq!(new.remove_old_events(0).await.unwrap().fault, Some(unknown));
    let from = VerifyOptions { from: Some(3), heads: vec![noted] };
    let found = new.verify_events(&from).await.unwrap();
    assert_eq!((found.rows, found.given, found.fault), (1, Some(noted), None));
}
