//! Why and how a connection ends before its client ends it.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::service::Exchange;

/// During a drain, how long an accepted connection without a request so far may still send one.
const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(2);
/// After the announcement that the connection will close, how long a request that crossed it may take to arrive.
const CROSSING_GRACE: Duration = Duration::from_secs(2);

/// Why a connection begins to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server drains.
    Drain,
    /// It reached its maximum age.
    Old,
    /// It has had no stream for the idle time, on HTTP/2.
    Idle,
}

/// Completes when the connection must begin to close. Only HTTP/2 needs a look at idleness: HTTP/1.1 has a time limit for
/// the headers of the next request.
pub(crate) async fn reason(exchange: &Exchange, is_http2: bool) -> Ending {
    let limits = &exchange.shared.limits;
    tokio::select! {
        () = drained(exchange) => Ending::Drain,
        () = sleep(jittered(limits.max_age)) => {
            exchange.shared.metrics.closed.old.inc();
            Ending::Old
        }
        () = idle(exchange), if is_http2 => Ending::Idle,
    }
}

/// Drives a connection to its end, after the announcement to the client.
pub(crate) async fn finish<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    exchange: &Exchange,
    ending: Ending,
    is_http2: bool,
) -> hyper::Result<()> {
    if ending != Ending::Drain {
        let finished = tokio::select! {
            result = finish_old(connection.as_mut(), exchange, is_http2) => Some(result),
            () = drained(exchange) => None,
        };
        if let Some(result) = finished {
            return result;
        }
    }
    timeout(exchange.shared.limits.drain, connection).await.unwrap_or(Ok(()))
}

/// Drives a connection until it is unused, or has been finishing for as long as it may live.
async fn finish_old<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    exchange: &Exchange,
    is_http2: bool,
) -> hyper::Result<()> {
    let begun = Instant::now();
    loop {
        if let Ok(result) = timeout(CROSSING_GRACE, connection.as_mut()).await {
            return result;
        }
        // On HTTP/1.1 the connection closes after its response.
        let is_unused = is_http2 && exchange.activity.idle_since(begun).is_some();
        let is_overdue = begun.elapsed() >= exchange.shared.limits.max_age;
        if is_unused || (is_overdue && !exchange.activity.has_events()) {
            return Ok(());
        }
    }
}

/// Completes when this connection must begin to close because the server drains: immediately if it has been used,
/// otherwise after a grace period in which the request that it was opened for can arrive.
async fn drained(exchange: &Exchange) {
    exchange.shared.draining.cancelled().await;
    if !exchange.activity.has_begun() {
        sleep(FIRST_REQUEST_GRACE).await;
    }
}

/// Completes when a drain has given a connection enough time for its handshake.
pub(crate) async fn after_grace(draining: &tokio_util::sync::CancellationToken) {
    draining.cancelled().await;
    sleep(FIRST_REQUEST_GRACE).await;
}

/// Completes when no stream has been open for the idle time. Pings keep no connection.
async fn idle(exchange: &Exchange) {
    let (begun, limit) = (Instant::now(), exchange.shared.limits.idle);
    let mut deadline = begun + limit;
    loop {
        sleep_until(deadline).await;
        let now = Instant::now();
        deadline = exchange.activity.idle_since(begun).map_or(now, |since| since) + limit;
        if deadline <= now {
            return;
        }
    }
}

/// Within a tenth of the duration, so that connections that began together do not end together.
fn jittered(duration: Duration) -> Duration {
    let random = u32::from(RandomState::new().hash_one(0_u8).to_ne_bytes()[0]);
    duration * 9 / 10 + duration * random / (5 * 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth() {
        let hour = Duration::from_hours(1);
        let ages: Vec<Duration> = (0..1000).map(|_| jittered(hour)).collect();
        assert!(ages.iter().all(|age| (hour * 9 / 10..=hour * 11 / 10).contains(age)));
        assert!(ages.iter().max() > ages.iter().min());
    }
}
