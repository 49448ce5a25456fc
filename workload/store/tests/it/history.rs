//! The history: sampled once by any unit, rolled up by the hour, dropped when it is old.

use fleet::history::{HistoryPoint, Resolution};
use fleet::{ClusterId, HealthRules, HealthState};
use store::testing::{empty_database, execute, store, texts};
use store::{DatabaseOptions, Store};

const RULES: HealthRules =
    HealthRules { late_floor: time::Duration::minutes(2), lost_floor: time::Duration::minutes(5) };

/// A hub that accepts heartbeats, with three clusters: one that reports, one that never did, and one that stopped.
async fn hub() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let joined = "
        UPDATE connector_presence SET accepting_until = now(), outage_seconds = 0;
        INSERT INTO remote_clusters (id, uid, name, description, cluster_certificate, certificate_fingerprint,
            certificate_not_before, certificate_not_after, joined_at)
        SELECT n, gen_random_uuid(), 'n' || n, '', 'pem', sha256(n::text::bytea), now(), now() + interval '1 year', now()
        FROM generate_series(1, 3) AS n;
        INSERT INTO remote_cluster_details (remote_cluster_id) SELECT id FROM remote_clusters;
        INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at, last_heartbeat_at, cpu_load, memory_total,
            memory_usage, storage_total, storage_usage, members, members_online, instances_running, instances_stopped)
        SELECT n, now() - CASE n WHEN 3 THEN interval '1 hour' ELSE interval '0' END,
            CASE n WHEN 2 THEN NULL ELSE now() END, 0.5, 64000000000, 16000000000, 1000, 10, 3, 2, 7, 1
        FROM generate_series(1, 3) AS n";
    execute(&options, joined).await.unwrap();
    (options, store)
}

async fn points(store: &Store, cluster: i32, resolution: Resolution) -> Vec<HistoryPoint> {
    store.history(ClusterId(cluster), resolution).await.unwrap()
}

#[tokio::test]
async fn each_cluster_is_sampled_once_in_five_minutes_by_any_unit() {
    let (options, store) = hub().await;
    let other = store::testing::store(&options);
    let (one, two) = tokio::join!(store.record_history(RULES), other.record_history(RULES));
    one.unwrap();
    two.unwrap();
    store.record_history(RULES).await.unwrap();
    // If five minutes end during the test, there are two points.
    let found = points(&store, 1, Resolution::FiveMinutes).await;
    assert!((1..=2).contains(&found.len()));
    assert_eq!(found[0].at.unix_timestamp() % 300, 0);
    assert_eq!(found[0].health, HealthState::Fresh);
    let figures = found[0].figures.unwrap();
    assert_eq!((figures.memory_total, figures.memory_usage), (64e9, 16e9));
    assert_eq!((figures.instances, figures.instances_running), (8, 7));
    assert_eq!((figures.members, figures.members_online), (3, 2));
}

#[tokio::test]
async fn cluster_without_a_report_has_no_figures() {
    let (_, store) = hub().await;
    store.record_history(RULES).await.unwrap();
    let never = points(&store, 2, Resolution::FiveMinutes).await;
    assert_eq!((never[0].health, never[0].figures), (HealthState::Fresh, None));
    let silent = points(&store, 3, Resolution::FiveMinutes).await;
    assert_eq!((silent[0].health, silent[0].figures), (HealthState::Lost, None));
}

#[tokio::test]
async fn nothing_is_sampled_while_no_unit_accepts_heartbeats() {
    let (options, store) = hub().await;
    execute(&options, "UPDATE connector_presence SET accepting_until = now() - interval '1 hour'")
        .await
        .unwrap();
    store.record_history(RULES).await.unwrap();
    assert!(points(&store, 1, Resolution::FiveMinutes).await.is_empty());
}

#[tokio::test]
async fn hours_have_the_worst_state_and_the_average_of_reported_figures() {
    let (options, store) = hub().await;
    store.record_history(RULES).await.unwrap();
    let older = "
        CREATE TABLE cluster_samples_older PARTITION OF cluster_samples DEFAULT;
        INSERT INTO cluster_samples (remote_cluster_id, at, state, cpu_load, memory_total, memory_usage, storage_total,
            storage_usage, members, members_online, instances, instances_running)
        SELECT 1, date_trunc('hour', now()) - interval '2 hours' + n * interval '5 minutes', (n = 7)::int * 2,
            n, 100, 50 + n, 1000, 10, 3, 3, 8, 8
        FROM generate_series(0, 6) AS n
        UNION ALL SELECT 1, date_trunc('hour', now()) - interval '2 hours' + n * interval '5 minutes', 2,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM generate_series(7, 11) AS n
        ON CONFLICT DO NOTHING;
        UPDATE history_progress SET hours_until = date_trunc('hour', now()) - interval '2 hours'";
    execute(&options, older).await.unwrap();
    store.record_history(RULES).await.unwrap();
    let hours = points(&store, 1, Resolution::Hour).await;
    assert_eq!(hours[0].health, HealthState::Lost);
    let figures = hours[0].figures.unwrap();
    assert_eq!((figures.cpu_load, figures.memory_usage), (3.0, 53.0));
    // Rolling up an hour again does not duplicate it.
    execute(&options, "UPDATE history_progress SET hours_until = hours_until - interval '2 hours'")
        .await
        .unwrap();
    store.record_history(RULES).await.unwrap();
    assert_eq!(points(&store, 1, Resolution::Hour).await, hours);
}

#[tokio::test]
async fn hour_that_was_mostly_an_outage_of_the_hub_is_a_gap() {
    let (options, store) = hub().await;
    let hours = |hours_ago: u32, samples: u32| {
        format!(
            "INSERT INTO cluster_samples (remote_cluster_id, at, state)
            SELECT 1, date_trunc('hour', now()) - interval '{hours_ago} hours' + n * interval '5 minutes', 0
            FROM generate_series(1, {samples}) AS n;"
        )
    };
    let samples = format!(
        "CREATE TABLE cluster_samples_older PARTITION OF cluster_samples DEFAULT; {} {}
        UPDATE history_progress SET hours_until = date_trunc('hour', now()) - interval '3 hours'",
        hours(3, 6),
        hours(2, 5)
    );
    store.record_history(RULES).await.unwrap();
    execute(&options, &samples).await.unwrap();
    store.record_history(RULES).await.unwrap();
    assert_eq!(points(&store, 1, Resolution::Hour).await.len(), 1);
}

#[tokio::test]
async fn old_points_are_dropped_with_their_partition() {
    let (options, store) = hub().await;
    let partitions =
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class AS c ON c.oid = inhparent
        WHERE c.relname IN ('cluster_samples', 'cluster_hours') ORDER BY 1";
    let old = "
        CREATE TABLE cluster_samples_20200101 PARTITION OF cluster_samples
            FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
        CREATE TABLE cluster_hours_20191230 PARTITION OF cluster_hours FOR VALUES FROM ('2019-12-30') TO ('2020-01-06')";
    execute(&options, old).await.unwrap();
    store.record_history(RULES).await.unwrap();
    let left = texts(&options, partitions).await.unwrap();
    assert!(
        !left.is_empty() && left.iter().all(|name| !name.contains("_2020") && !name.contains("_2019")),
        "{left:?}"
    );
}

#[tokio::test]
async fn missed_hours_are_rolled_up_later() {
    let (options, store) = hub().await;
    execute(&options, "UPDATE history_progress SET hours_until = now() - interval '30 days'").await.unwrap();
    for _ in 0..14 {
        store.record_history(RULES).await.unwrap();
    }
    let behind = "SELECT (date_trunc('hour', now()) - hours_until)::text FROM history_progress";
    assert_eq!(texts(&options, behind).await.unwrap(), ["00:00:00"]);
}

#[tokio::test]
async fn clock_that_jumps_ahead_and_back_deletes_nothing_and_sampling_continues() {
    let (options, store) = hub().await;
    store.record_history(RULES).await.unwrap();
    let kept = points(&store, 1, Resolution::FiveMinutes).await;
    // The clock was ten days ahead when the last sample was written.
    execute(
        &options,
        "UPDATE history_progress SET sampled_at = now() + interval '10 days',
        hours_until = now() + interval '10 days'",
    )
    .await
    .unwrap();
    execute(&options, "DELETE FROM cluster_samples").await.unwrap();
    store.record_history(RULES).await.unwrap();
    assert_eq!(points(&store, 1, Resolution::FiveMinutes).await.len(), kept.len());
    // The last sample is ten days old, as if the clock had jumped ahead.
    let old = "CREATE TABLE cluster_samples_20200101 PARTITION OF cluster_samples
            FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
        UPDATE history_progress SET sampled_at = now() - interval '10 days'";
    execute(&options, old).await.unwrap();
    store.record_history(RULES).await.unwrap();
    let there = "SELECT to_regclass('cluster_samples_20200101')::text";
    assert_eq!(texts(&options, there).await.unwrap(), ["cluster_samples_20200101"]);
    store.record_history(RULES).await.unwrap();
    assert_ne!(texts(&options, there).await.unwrap(), ["cluster_samples_20200101"]);
}

#[tokio::test]
async fn failed_roll_up_does_not_prevent_sampling() {
    let (options, store) = hub().await;
    let broken = "UPDATE history_progress SET hours_until = date_trunc('hour', now()) - interval '2 hours';
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON cluster_hours FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    execute(&options, broken).await.unwrap();
    assert!(store.record_history(RULES).await.is_err());
    assert!(!points(&store, 1, Resolution::FiveMinutes).await.is_empty());
}
