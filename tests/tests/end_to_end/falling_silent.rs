//! A cluster that stops reporting: late, then lost, with the reason and since when; fresh again with its next heartbeat.
//!
//! Only the length of the silence is simulated: the times of the last heartbeat are moved back in the database.

use harness::Hub;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Moves the last heartbeat back by this time.
async fn be_silent_for(hub: &Hub, seconds: u32) {
    let sql = format!(
        "UPDATE remote_cluster_liveness SET heard_at = heard_at - interval '{seconds} s',
            last_heartbeat_at = last_heartbeat_at - interval '{seconds} s'"
    );
    store::testing::execute(&hub.database, &sql).await.unwrap();
}

/// The health of the cluster from `cluster show`: the state, for how long, and why.
fn health(hub: &Hub) -> (String, Duration, String) {
    let health = &hub.shown("cellar")["health"];
    let since = OffsetDateTime::parse(health["since"].as_str().unwrap(), &Rfc3339).unwrap();
    let reason = health["reasons"].as_array().unwrap().first();
    let reason = reason.map_or_else(String::new, |reason| reason.as_str().unwrap().to_owned());
    (health["state"].as_str().unwrap().to_owned(), OffsetDateTime::now_utc() - since, reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_cluster_becomes_late_then_lost_and_fresh_with_its_next_heartbeat() {
    let hub = Hub::start().await;
    let site = hub.enrol("cellar").await;
    site.heartbeat("{}").await.unwrap();
    assert_eq!(health(&hub).0, "fresh");

    be_silent_for(&hub, 110).await;
    assert_eq!(health(&hub).0, "fresh", "two expected intervals have not passed");
    be_silent_for(&hub, 30).await;
    let (state, late_for, reason) = health(&hub);
    assert_eq!(state, "late");
    assert!((20..=60).contains(&late_for.whole_seconds()), "since the two minutes were over: {late_for}");
    assert!(reason.starts_with("no heartbeat for 2 min 2"), "{reason}");
    assert!(reason.ends_with("(expected every 1 min)"), "{reason}");

    be_silent_for(&hub, 180).await;
    let (state, lost_for, reason) = health(&hub);
    assert_eq!(state, "lost");
    assert!((20..=60).contains(&lost_for.whole_seconds()), "since the five minutes were over: {lost_for}");
    assert!(reason.starts_with("no heartbeat for 5 min 2"), "{reason}");
    let list = hub.cli(["cluster", "list"]).out;
    let row = list.lines().find(|row| row.contains("cellar")).unwrap();
    assert!(row.contains(" lost ") && row.contains("no heartbeat for 5 min 2"), "{list}");

    site.heartbeat("{}").await.unwrap();
    assert_eq!((health(&hub).0.as_str(), health(&hub).2.as_str()), ("fresh", ""));
}
