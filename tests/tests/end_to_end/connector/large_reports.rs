//! Large reports beside small ones.

use std::time::{Duration, Instant};

use agent::client::{Payload, Request};
use futures_util::future::join_all;
use harness::Hub;
use http::Method;

use super::HEARTBEAT;

/// A report of this many bytes, most of them blanks.
fn report(bytes: usize) -> Vec<u8> {
    [vec![b' '; bytes], b"{\"memory_usage\":7}".to_vec()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_report_that_stalls_delays_no_other() {
    const PAUSE: Duration = Duration::from_secs(12);
    let hub = Hub::start_unlimited().await;
    let (stalling, again, small) =
        (hub.enrol("stalling").await, hub.enrol("again").await, hub.enrol("small").await);
    let mut large = Vec::new();
    for number in 0..4 {
        large.push(hub.enrol(&format!("large-{number}")).await);
    }
    let post = |body: Payload| Request::new(Method::POST, HEARTBEAT, body);
    let began = Instant::now();
    let stalled = stalling.exchange(post(Payload::slow(report(60 << 20), PAUSE)));
    let others = async {
        // By now the first half is there.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let second = stalling.exchange(post(report(2 << 20).into())).await.unwrap();
        assert_eq!(second.response.status, 429, "one large report of a cluster at a time");
        stalling.heartbeat("{}").await.unwrap();
        let (small, large, largest) = tokio::join!(
            join_all((0..20).map(|_| small.heartbeat("{}"))),
            join_all(large.iter().map(|site| site.heartbeat(report(2 << 20)))),
            again.heartbeat(report(40 << 20)),
        );
        assert!(small.iter().chain(&large).chain([&largest]).all(Result::is_ok));
        assert!(began.elapsed() < PAUSE, "{:?}", began.elapsed());
    };
    let (stalled, ()) = tokio::join!(stalled, others);
    assert_eq!(stalled.unwrap().response.status, 200);
    assert_eq!(hub.shown("stalling")["memory_usage"], 7);
}
