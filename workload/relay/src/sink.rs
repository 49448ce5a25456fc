//! One sink. Each of its shards sends batches in order, one after the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::backoff::{Backoff, Breaker, Permit};
use crate::counts::{Cause, Outcome, SinkCounts};
use crate::queue::Queue;
use crate::remote_write::{Batch, Suspects};
use crate::sender::{Delivery, Sender};
use crate::status::SinkState;
use crate::time::UnixMillis;

/// What the shards of one sink share.
pub(crate) struct Sink {
    pub(crate) name: String,
    pub(crate) queue: Arc<Queue>,
    pub(crate) sender: Sender,
    pub(crate) gate: Gate,
    pub(crate) counts: SinkCounts,
    /// The age at which samples are dropped.
    pub(crate) max_age: Duration,
    /// The maximum number of requests to find the refused series in a batch.
    pub(crate) max_search_requests: u32,
}

/// The breaker, a notification for those who wait for it, and the outcome of the last request.
pub(crate) struct Gate {
    breaker: Mutex<Breaker>,
    changed: Notify,
    state: Mutex<SinkState>,
}

/// What was decided about a part of a batch.
enum Decision {
    Accepted,
    Refused(String),
    Misdirected(String),
    TooOld,
}

impl Sink {
    /// Sends the batches of one shard for as long as it is polled.
    pub(crate) async fn run(&self, shard: u16) {
        let mut suspects = Suspects::default();
        loop {
            let batch = self.queue.take(shard).await;
            self.deliver(batch, &mut suspects).await;
            self.queue.finish(shard);
        }
    }

    /// Sends a batch until the sink has decided about every series in it.
    ///
    /// A refused batch is halved until each refused series is alone. After a number of requests, the remaining parts are
    /// sent as they are, and dropped if they are refused. A batch contains each series once, so halving does not change the
    /// order of samples. Series that were refused before are separated immediately.
    async fn deliver(&self, batch: Batch, suspects: &mut Suspects) {
        let mut parts = vec![batch];
        let mut search_requests = 0;
        let mut is_whole = true;
        while let Some(part) = parts.pop() {
            match self.send(&part).await {
                Decision::Accepted => {
                    self.counts.sent(part.samples);
                    if part.samples == 1 {
                        suspects.remove(&part);
                    }
                }
                Decision::TooOld => self.counts.dropped(part.samples, Cause::TooOld),
                Decision::Misdirected(why) => {
                    tracing::warn!(
                        sink = self.name,
                        why,
                        "a sink refuses all samples; check its address and credentials"
                    );
                    self.counts.dropped(part.samples, Cause::Misdirected);
                }
                Decision::Refused(why) if part.samples == 1 => {
                    tracing::debug!(sink = self.name, why, "a sink refuses a series");
                    self.counts.dropped(1, Cause::Refused);
                    suspects.add(&part);
                }
                Decision::Refused(why) => {
                    let left = self.max_search_requests.saturating_sub(search_requests);
                    let suspects = is_whole.then_some(&*suspects);
                    let smaller = if left > 0 { split(&part, suspects, left) } else { None };
                    let Some(smaller) = smaller else {
                        tracing::warn!(
                            sink = self.name,
                            why,
                            samples = part.samples,
                            "a sink refuses samples"
                        );
                        self.counts.dropped(part.samples, Cause::RefusedTogether);
                        continue;
                    };
                    search_requests =
                        search_requests.saturating_add(u32::try_from(smaller.len()).unwrap_or(u32::MAX));
                    parts.extend(smaller.into_iter().rev());
                }
            }
            is_whole = false;
        }
    }

    /// Sends a part, again and again, until the sink has decided about it or it is too old.
    async fn send(&self, part: &Batch) -> Decision {
        loop {
            if UnixMillis::now().since(part.newest) > self.max_age {
                return Decision::TooOld;
            }
            self.gate.pass().await;
            let delivery = self.sender.send(part).await;
            self.gate.record(&delivery, &self.name);
            match delivery {
                Delivery::Accepted => {
                    self.counts.request(Outcome::Taken);
                    return Decision::Accepted;
                }
                Delivery::Refused(why) => {
                    self.counts.request(Outcome::Refused);
                    return Decision::Refused(why);
                }
                Delivery::Misdirected(why) => {
                    self.counts.request(Outcome::Refused);
                    return Decision::Misdirected(why);
                }
                Delivery::Retry { why, .. } => {
                    self.counts.request(Outcome::Failed);
                    tracing::debug!(sink = self.name, why, "a sink is not accepting samples");
                }
            }
        }
    }
}

/// Splits a refused batch into the parts that are sent next, in this order: the batch without its suspects and each
/// suspect alone, if there are at most `max_suspects` of them, otherwise its halves.
fn split(part: &Batch, suspects: Option<&Suspects>, max_suspects: u32) -> Option<Vec<Batch>> {
    if let Some((others, alone)) = suspects.and_then(|suspects| part.without(suspects, max_suspects as usize))
    {
        return Some(std::iter::once(others).chain(alone).collect());
    }
    part.halves().map(|(first, second)| vec![first, second])
}

impl Gate {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            breaker: Mutex::new(Breaker::new(backoff)),
            changed: Notify::new(),
            state: Mutex::new(SinkState::Idle),
        }
    }

    /// The outcome of the last request.
    pub(crate) fn state(&self) -> SinkState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a request may be sent.
    async fn pass(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let permit = self.lock().ask(Instant::now());
            match permit {
                Permit::Go => return,
                Permit::Wait(until) => {
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = changed => {}
                    }
                }
                Permit::WaitForProbe => changed.await,
            }
        }
    }

    /// Records the outcome of a request.
    fn record(&self, delivery: &Delivery, sink: &str) {
        let has_changed = match delivery {
            Delivery::Retry { retry_after, .. } => {
                self.lock().fail(Instant::now(), *retry_after, rand::random())
            }
            _ => self.lock().succeed(),
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = match delivery {
            // A sink that refuses one series accepts the others.
            Delivery::Accepted | Delivery::Refused(_) => SinkState::Taking,
            Delivery::Misdirected(why) | Delivery::Retry { why, .. } => SinkState::Failing(why.clone()),
        };
        match delivery {
            Delivery::Retry { why, .. } if has_changed => {
                tracing::warn!(sink, why, "a sink is failing; its samples are queued");
            }
            _ if has_changed => tracing::info!(sink, "a sink accepts samples again"),
            _ => {}
        }
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
