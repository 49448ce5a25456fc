//! Joins that cannot work, and what the audit trail tells about refused ones.

use std::sync::Arc;
use std::time::Duration;

use agent::client::{ClusterClient, KeyKind, Keys, Proof};
use harness::Hub;
use harness::hub::keys;
use store::testing::texts;
use time::OffsetDateTime;

use super::{join, text};

fn keys_valid(from_days: i64, to_days: i64) -> Arc<Keys> {
    let now = OffsetDateTime::now_utc();
    let (from, to) = (now + time::Duration::days(from_days), now + time::Duration::days(to_days));
    Arc::new(Keys::generate_with("site", KeyKind::P384, from, to).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn join_with_a_certificate_outside_its_dates_is_400_and_keeps_the_token() {
    let hub = Hub::start().await;
    let token = hub.token("a");
    let wrong_token = hub.token("b");
    for (keys, wanted) in [
        (keys_valid(-20, -10), "400 The cluster's certificate expired on "),
        (keys_valid(10, 20), "400 The cluster's certificate is not valid before "),
    ] {
        let site = ClusterClient::from_token(&token, keys.clone()).unwrap();
        for proof in [Proof::Token, Proof::Hmac] {
            let refused = site.exchange(site.join_request(&token, proof).unwrap()).await.unwrap();
            assert!(text(&refused).starts_with(wanted), "{}", text(&refused));
        }
        // It reveals nothing about the token.
        let request = site.join_request(&wrong_token, Proof::Token).unwrap();
        assert!(text(&site.exchange(request).await.unwrap()).starts_with(wanted));
    }
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    assert_eq!(text(&join(&site, &token).await), "200 ");
    site.heartbeat("{}").await.unwrap();
}

/// The refused joins in the audit trail: reason, cluster, whether there is an address and a request id, count.
async fn recorded(hub: &Hub) -> Vec<String> {
    let sql = "SELECT concat_ws('|', after->>'reason', coalesce(cluster_name, '-'), actor_kind, \
        address IS NOT NULL, request_id IS NOT NULL, sum(count)) FROM events WHERE action = 'join.refused' \
        GROUP BY after->>'reason', cluster_name, actor_kind, address IS NOT NULL, request_id IS NOT NULL ORDER BY 1";
    texts(&hub.database, sql).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_joins_are_in_the_audit_trail_and_folded() {
    let mut hub = Hub::start().await;
    let token = hub.token("a");
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    let expired = ClusterClient::from_token(&token, keys_valid(-20, -10)).unwrap();
    assert!(text(&join(&expired, &token).await).starts_with("400 "));
    let other = ClusterClient::from_token(&token, keys("b")).unwrap();
    let with_other = ClusterClient::from_token(&token, site.keys.clone()).unwrap();
    let with_other = with_other.with_identity(other.keys.identity());
    assert_eq!(text(&join(&with_other, &token).await), "403 Forbidden");
    assert_eq!(text(&join(&site, &token).await), "200 ");
    for _ in 0..40 {
        assert_eq!(text(&join(&other, &token).await), "403 Forbidden");
    }
    let first = "no valid proof of a join token|a|unknown|t|t|1";
    harness::wait::until("the first refusals are recorded", Duration::from_secs(10), async || {
        recorded(&hub).await.iter().any(|event| event == first)
    })
    .await;
    let count = "SELECT count(*)::text FROM events WHERE action = 'join.refused'";
    let events: usize = texts(&hub.database, count).await.unwrap()[0].parse().unwrap();
    assert!(events <= 4, "{events} events for 42 refusals");
    hub.stop_first_unit().await;
    assert_eq!(
        recorded(&hub).await,
        [
            "no valid proof of a join token|a|unknown|t|f|39",
            first,
            "the certificate is outside its dates|a|unknown|t|t|1",
            "the connection did not present the certificate|a|unknown|t|t|1",
        ]
    );
}
