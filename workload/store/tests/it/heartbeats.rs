//! Batches of heartbeats, liveness, warnings and health transitions.

use std::sync::Arc;

use fleet::warning::findings;
use fleet::{ClusterId, HealthRules, HealthState, Thresholds, WarningKind};
use protocol::Heartbeat;
use protocol::heartbeat::Details;
use store::heartbeats::{NewHeartbeat, Presence};
use store::testing::{empty_database, execute, migrated_store, store as store_over};
use store::{DatabaseOptions, HeartbeatWriter, Store, WriteError};
use time::Duration;

use crate::support::{connection, enrol, origin};

fn writer(store: &Store) -> HeartbeatWriter {
    HeartbeatWriter::start(store.clone(), Arc::new(Presence::new(store.clone())))
}

fn heartbeat(cluster: ClusterId, body: &str) -> NewHeartbeat {
    let Heartbeat { details, misfits, .. } = Heartbeat::parse(body.as_bytes()).unwrap();
    let findings = findings(&details, &misfits, Thresholds::default());
    NewHeartbeat { cluster, details, findings }
}

async fn enrolled(store: &Store, name: &str) -> ClusterId {
    enrol(store, name).await;
    store.cluster(name).await.unwrap().unwrap().id
}

async fn migrated() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store_over(&options);
    store.migrate().await.unwrap();
    (options, store)
}

#[tokio::test]
async fn report_is_read_back_and_joined_at_does_not_change() {
    let store = migrated_store().await.unwrap();
    let id = enrolled(&store, "a").await;
    let before = store.cluster("a").await.unwrap().unwrap();
    let body = r#"{"cpu_load_1":"0.42","memory_total_amount":8,"memory_usage":4,"ui_url":"https://x","cluster_uuid":"u-1",
        "storage_pool_usages":[{"name":"b","member":"m","total":18446744073709551615,"usage":1},{"name":"a"}],
        "instance_statuses":[{"status":"Stopped","count":2},{"status":"Running","count":3}]}"#;
    let sent = heartbeat(id, body);
    writer(&store).write(sent.clone()).await.unwrap();
    let after = store.cluster("a").await.unwrap().unwrap();
    assert_eq!(after.details, sent.details);
    assert_eq!((after.joined_at, after.created_at), (before.joined_at, before.created_at));
    assert!(after.last_status_update_at() > before.joined_at);
}

#[tokio::test]
async fn refused_heartbeat_does_not_fail_its_batch() {
    let store = migrated_store().await.unwrap();
    let mut heartbeats = Vec::new();
    for number in 0..20 {
        heartbeats.push(heartbeat(enrolled(&store, &format!("c{number}")).await, "{}"));
    }
    // The protocol refuses NUL. Here it is an example of a value that a column cannot hold.
    heartbeats[7].details.ui_url = "\0".to_owned();
    let writer = writer(&store);
    let outcomes =
        futures_util::future::join_all(heartbeats.into_iter().map(|heartbeat| writer.write(heartbeat))).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(WriteError::Refused(_)) if number == 7 => {}
            Ok(()) if number != 7 => {}
            other => panic!("heartbeat {number}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn heartbeat_that_times_out_does_not_fail_its_batch() {
    let (options, store) = migrated().await;
    let mut heartbeats = Vec::new();
    for number in 0..8 {
        heartbeats.push(heartbeat(enrolled(&store, &format!("c{number}")).await, "{}"));
    }
    // Somebody holds the row of one cluster for longer than a statement may take.
    let mut other = connection(&options).await;
    let holding = other.transaction().await.unwrap();
    let sql =
        "SELECT FROM remote_cluster_liveness AS l JOIN remote_clusters AS c ON c.id = l.remote_cluster_id
        WHERE c.name = 'c5' FOR UPDATE OF l";
    holding.query(sql, &[]).await.unwrap();
    let writer = writer(&store);
    // The first is alone; the others gather meanwhile.
    let outcomes =
        futures_util::future::join_all(heartbeats.into_iter().map(|heartbeat| writer.write(heartbeat))).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(WriteError::Unavailable(_)) if number == 5 => {}
            Ok(()) if number != 5 => {}
            other => panic!("heartbeat {number}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn small_reports_do_not_wait_for_large_ones() {
    let (options, store) = migrated().await;
    let small = heartbeat(enrolled(&store, "small").await, "{}");
    let pool = format!(r#"{{"name":"{}"}}"#, "n".repeat(100));
    let body = format!(r#"{{"storage_pool_usages":[{}]}}"#, vec![pool; 1000].join(","));
    let large = heartbeat(enrolled(&store, "large").await, &body);
    let mut other = connection(&options).await;
    let holding = other.transaction().await.unwrap();
    let sql =
        "SELECT FROM remote_cluster_details AS d JOIN remote_clusters AS c ON c.id = d.remote_cluster_id
        WHERE c.name = 'large' FOR UPDATE OF d";
    holding.query(sql, &[]).await.unwrap();
    let writer = writer(&store);
    let held = writer.write(large);
    tokio::pin!(held);
    tokio::select! {
        outcome = &mut held => panic!("its row is locked: {outcome:?}"),
        outcome = writer.write(small) => outcome.unwrap(),
    }
    holding.rollback().await.unwrap();
    held.await.unwrap();
    assert_eq!(store.cluster("large").await.unwrap().unwrap().details.storage_pool_usages.len(), 1000);
}

#[tokio::test]
async fn last_heartbeat_of_a_cluster_wins_and_all_get_a_response() {
    let store = migrated_store().await.unwrap();
    let id = enrolled(&store, "a").await;
    let writer = writer(&store);
    let heartbeats = (1..=50).map(|usage| heartbeat(id, &format!(r#"{{"memory_usage":{usage}}}"#)));
    let outcomes = futures_util::future::join_all(heartbeats.map(|heartbeat| writer.write(heartbeat))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(store.cluster("a").await.unwrap().unwrap().details.memory_usage, 50);
}

#[tokio::test]
async fn heartbeat_of_a_removed_cluster_fails_and_the_rest_of_its_batch_is_stored() {
    let store = migrated_store().await.unwrap();
    let (gone, kept) = (enrolled(&store, "gone").await, enrolled(&store, "kept").await);
    store.remove_cluster("gone", &origin()).await.unwrap();
    let writer = writer(&store);
    let full = r#"{"memory_total_amount":10,"memory_usage":9}"#;
    let (first, second) =
        tokio::join!(writer.write(heartbeat(gone, full)), writer.write(heartbeat(kept, full)));
    assert!(matches!(first, Err(WriteError::NoSuchCluster)), "{first:?}");
    second.unwrap();
}

#[tokio::test]
async fn warnings_keep_their_since_and_are_cleared_when_resolved() {
    let store = migrated_store().await.unwrap();
    let id = enrolled(&store, "a").await;
    let writer = writer(&store);
    let memory = |usage| heartbeat(id, &format!(r#"{{"memory_total_amount":100,"memory_usage":{usage}}}"#));
    let warnings = async || store.cluster("a").await.unwrap().unwrap().reported_warnings;
    writer.write(memory(90)).await.unwrap();
    let first = warnings().await;
    assert_eq!((first.len(), first[0].kind), (1, WarningKind::Memory));
    writer.write(memory(91)).await.unwrap();
    let second = warnings().await;
    assert_eq!(second[0].text, "memory is 91% used, above 80%");
    assert_eq!(second[0].since, first[0].since);
    writer.write(memory(50)).await.unwrap();
    assert!(warnings().await.is_empty());
    writer.write(memory(90)).await.unwrap();
    assert!(warnings().await[0].since > first[0].since);
}

#[tokio::test]
async fn silence_and_return_are_recorded_as_transitions() {
    let (options, store) = migrated().await;
    let id = enrolled(&store, "a").await;
    let writer = writer(&store);
    writer.write(heartbeat(id, "{}")).await.unwrap();
    let uid = store.cluster("a").await.unwrap().unwrap().uid;
    let rules = HealthRules::default();
    let silence = async |seconds: i32| {
        let sql = format!(
            "UPDATE remote_cluster_liveness SET heard_at = heard_at - interval '{seconds} s',
             last_heartbeat_at = last_heartbeat_at - interval '{seconds} s'"
        );
        execute(&options, &sql).await.unwrap();
        store.record_health_transitions(rules).await.unwrap()
    };
    assert!(silence(100).await.is_empty());
    assert_eq!(silence(100).await[0].to, HealthState::Late);
    let seen = store.cluster("a").await.unwrap().unwrap();
    let health = seen.health(&rules, &store.service_clock().await.unwrap());
    assert_eq!(health.state, HealthState::Late);
    assert_eq!(silence(200).await[0].to, HealthState::Lost);
    writer.write(heartbeat(id, "{}")).await.unwrap();
    let back = store.record_health_transitions(rules).await.unwrap();
    assert_eq!((back[0].from, back[0].to), (HealthState::Lost, HealthState::Fresh));
    let states: Vec<_> = store.transitions(uid).await.unwrap().iter().map(|step| step.to).collect();
    assert_eq!(states, [HealthState::Late, HealthState::Lost, HealthState::Fresh]);
}

#[tokio::test]
async fn outage_of_the_hub_makes_no_cluster_late() {
    let (options, store) = migrated().await;
    let id = enrolled(&store, "a").await;
    let writer = writer(&store);
    writer.write(heartbeat(id, "{}")).await.unwrap();
    // The heartbeat was an hour ago, and so was the last time that a unit accepted heartbeats.
    let sql = "UPDATE remote_cluster_liveness SET heard_at = heard_at - interval '1 h',
            last_heartbeat_at = last_heartbeat_at - interval '1 h';
        UPDATE connector_presence SET accepting_until = accepting_until - interval '1 h'";
    execute(&options, sql).await.unwrap();
    let judged = async || {
        let clock = store.service_clock().await.unwrap();
        store.cluster("a").await.unwrap().unwrap().health(&HealthRules::default(), &clock).state
    };
    assert_eq!(judged().await, HealthState::Fresh, "during the outage");
    Presence::new(store.clone()).mark().await.unwrap();
    assert_eq!(judged().await, HealthState::Fresh, "after the outage");
    writer.write(heartbeat(id, "{}")).await.unwrap();
    let gaps = store.cluster("a").await.unwrap().unwrap().liveness.recent_gaps;
    assert_eq!(gaps.expected_interval(), Duration::MINUTE, "the outage does not count as a gap");
}

/// The batch statement uses the view of the database, and health is judged with the clock of the domain.
#[tokio::test]
async fn service_clock_of_the_database_equals_that_of_the_domain() {
    let (options, store) = migrated().await;
    for (silence, outages) in [(0, 0), (14, 100), (16, 100), (3600, 5)] {
        let sql = format!(
            "UPDATE connector_presence SET accepting_until = clock_timestamp() - interval '{silence} s',
             outage_seconds = {outages}"
        );
        execute(&options, &sql).await.unwrap();
        let view = "SELECT extract(epoch FROM service) FROM service_clock";
        let view: f64 = store::testing::texts(&options, view).await.unwrap()[0].parse().unwrap();
        let ours = store.service_clock().await.unwrap().read().to_stored();
        let ours = ours.unix_timestamp_nanos() as f64 / 1e9;
        assert!((ours - view).abs() < 1.0, "{silence} s after the last mark: {ours} and {view}");
    }
}

#[tokio::test]
async fn last_eight_gaps_are_kept() {
    let (options, store) = migrated().await;
    let id = enrolled(&store, "a").await;
    let writer = writer(&store);
    for _ in 0..12 {
        writer.write(heartbeat(id, "{}")).await.unwrap();
        let back = "UPDATE remote_cluster_liveness SET heard_at = heard_at - interval '600 s'";
        execute(&options, back).await.unwrap();
    }
    let cluster = store.cluster("a").await.unwrap().unwrap();
    assert_eq!(cluster.liveness.recent_gaps.expected_interval().whole_seconds(), 600);
    let kept =
        store::testing::texts(&options, "SELECT cardinality(recent_gaps) FROM remote_cluster_liveness").await;
    assert_eq!(kept.unwrap(), ["8"]);
}

#[tokio::test]
async fn unreadable_stored_list_does_not_hide_the_cluster() {
    let (options, store) = migrated().await;
    enrolled(&store, "a").await;
    execute(&options, "UPDATE remote_cluster_details SET member_statuses = '{\"x\":1}'").await.unwrap();
    let clusters = store.clusters().await.unwrap().1;
    assert_eq!(clusters[0].details, Details::default());
}
