//! One lane to one sink: takes batches in order, and sees each through before the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::backoff::{Backoff, Breaker, Permit};
use crate::counts::{Cause, Outcome, SinkCounts};
use crate::queue::Queue;
use crate::remote_write::{Batch, Suspects};
use crate::sender::{Answer, Sender};
use crate::standing::SinkState;
use crate::time::UnixMillis;

/// What the lanes of one sink share.
pub(crate) struct Lanes {
    pub(crate) name: String,
    pub(crate) queue: Arc<Queue>,
    pub(crate) sender: Sender,
    pub(crate) gate: Gate,
    pub(crate) counts: SinkCounts,
    /// How old samples may become before they are dropped.
    pub(crate) oldest: Duration,
    /// The most requests that are made to find what a sink refuses in a batch.
    pub(crate) searches: u32,
}

/// The breaker, who waits for it, and how the sink answered last.
pub(crate) struct Gate {
    breaker: Mutex<Breaker>,
    changed: Notify,
    state: Mutex<SinkState>,
}

/// What became of a part of a batch.
enum Fate {
    Taken,
    Refused(String),
    Misdirected(String),
    TooOld,
}

impl Lanes {
    /// Sends one lane's batches for as long as it is polled.
    pub(crate) async fn run(&self, lane: u16) {
        let mut suspects = Suspects::default();
        loop {
            let batch = self.queue.take(lane).await;
            self.see_through(batch, &mut suspects).await;
            self.queue.finish(lane);
        }
    }

    /// A refused batch is halved until what is refused is alone. Once that has cost enough, parts are tried as they
    /// are, and refused as they are. A series is once in a batch, so that no order is lost by it; what was refused
    /// before is tried apart at once.
    async fn see_through(&self, batch: Batch, suspects: &mut Suspects) {
        let mut parts = vec![batch];
        let mut searches = 0;
        let mut is_whole = true;
        while let Some(part) = parts.pop() {
            let fate = self.decide(&part).await;
            match fate {
                Fate::Taken => {
                    self.counts.sent(part.samples);
                    if part.samples == 1 {
                        suspects.forget(&part);
                    }
                }
                Fate::TooOld => self.counts.dropped(part.samples, Cause::TooOld),
                Fate::Misdirected(why) => {
                    tracing::warn!(sink = self.name, why, "a sink takes nothing: is its address right?");
                    self.counts.dropped(part.samples, Cause::Misdirected);
                }
                Fate::Refused(why) if part.samples == 1 => {
                    tracing::debug!(sink = self.name, why, "a sink refuses a series");
                    self.counts.dropped(1, Cause::Refused);
                    suspects.remember(&part);
                }
                Fate::Refused(why) => {
                    let left = self.searches.saturating_sub(searches);
                    let suspects = is_whole.then_some(&*suspects);
                    let divided = if left > 0 { divided(&part, suspects, left) } else { None };
                    let Some(divided) = divided else {
                        tracing::warn!(
                            sink = self.name,
                            why,
                            samples = part.samples,
                            "a sink refuses samples"
                        );
                        self.counts.dropped(part.samples, Cause::RefusedTogether);
                        continue;
                    };
                    searches = searches.saturating_add(u32::try_from(divided.len()).unwrap_or(u32::MAX));
                    parts.extend(divided.into_iter().rev());
                }
            }
            is_whole = false;
        }
    }

    /// Tries until the sink has decided.
    async fn decide(&self, part: &Batch) -> Fate {
        loop {
            if UnixMillis::now().since(part.newest) > self.oldest {
                return Fate::TooOld;
            }
            self.gate.pass().await;
            let answer = self.sender.send(part).await;
            self.gate.learn(&answer, &self.name);
            match answer {
                Answer::Taken => {
                    self.counts.request(Outcome::Taken);
                    return Fate::Taken;
                }
                Answer::Refused(why) => {
                    self.counts.request(Outcome::Refused);
                    return Fate::Refused(why);
                }
                Answer::Misdirected(why) => {
                    self.counts.request(Outcome::Refused);
                    return Fate::Misdirected(why);
                }
                Answer::Later { why, .. } => {
                    self.counts.request(Outcome::Failed);
                    tracing::debug!(sink = self.name, why, "a sink takes nothing for now");
                }
            }
        }
    }
}

/// Parts of a refused batch, in the order in which they are to be tried: apart from the suspects in it, if that costs
/// no more requests than this, or else its halves.
fn divided(part: &Batch, suspects: Option<&Suspects>, most: u32) -> Option<Vec<Batch>> {
    if let Some((others, alone)) = suspects.and_then(|suspects| part.apart(suspects, most as usize)) {
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

    /// How the sink answered last.
    pub(crate) fn state(&self) -> SinkState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the sink may be asked.
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

    fn learn(&self, answer: &Answer, sink: &str) {
        let is_news = match answer {
            Answer::Later { retry_after, .. } => {
                self.lock().fail(Instant::now(), *retry_after, rand::random())
            }
            _ => self.lock().succeed(),
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = match answer {
            // Whoever refuses a series takes the others.
            Answer::Taken | Answer::Refused(_) => SinkState::Taking,
            Answer::Misdirected(why) | Answer::Later { why, .. } => SinkState::Failing(why.clone()),
        };
        match answer {
            Answer::Later { why, .. } if is_news => tracing::warn!(sink, why, "a sink fails: samples wait"),
            _ if is_news => tracing::info!(sink, "a sink answers again"),
            _ => {}
        }
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
