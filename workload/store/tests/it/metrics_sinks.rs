//! The state of the metrics sinks, as units report it.

use store::metrics_sinks::SinkReport;
use store::testing::{empty_database, execute, migrated_store, store};
use uuid::Uuid;

fn report(sink: &str, state: &str) -> SinkReport {
    SinkReport {
        sink: sink.to_owned(),
        state: state.to_owned(),
        reason: (state == "failing").then(|| "refused".to_owned()),
        oldest_seconds: 1.5,
        waiting_bytes: 2,
        samples_sent: 3,
        samples_dropped: 4,
    }
}

#[tokio::test]
async fn last_report_of_each_unit_and_sink_is_kept() {
    let store = migrated_store().await.unwrap();
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    store.report_sinks(one, &[report("a", "taking"), report("b", "idle")]).await.unwrap();
    store.report_sinks(other, &[report("a", "taking")]).await.unwrap();
    store.report_sinks(one, &[report("a", "failing"), report("b", "idle")]).await.unwrap();
    let seen = store.sinks().await.unwrap();
    let seen: Vec<_> = seen.into_iter().map(|seen| (seen.unit, seen.report)).collect();
    assert_eq!(
        seen,
        [(one, report("a", "failing")), (other, report("a", "taking")), (one, report("b", "idle"))]
    );
}

#[tokio::test]
async fn expired_reports_are_not_returned() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    store.report_sinks(Uuid::now_v7(), &[report("a", "failing")]).await.unwrap();
    execute(&options, "UPDATE metrics_sinks SET seen_at = seen_at - interval '2 minutes'").await.unwrap();
    assert_eq!(store.sinks().await.unwrap(), []);
}
