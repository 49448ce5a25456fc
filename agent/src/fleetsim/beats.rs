//! Sending the beats, in an open or a closed loop.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::body::Bodies;
use super::fleet::{Fleet, Member};
use super::measure::Measure;
use super::schedule::Schedule;
use super::{Fault, Faults, Options, Pace};
use crate::client::{Acknowledged, ClientError, Payload};

/// What all beats share.
#[derive(Clone)]
struct Sender {
    bodies: Arc<Bodies>,
    measure: Arc<Measure>,
    faults: Faults,
}

/// Sends beats for as long as asked, and waits for the last answers.
pub(super) async fn send(options: &Options, fleet: Fleet, measure: &Arc<Measure>) {
    if fleet.sites.is_empty() {
        return;
    }
    let sender = Sender {
        bodies: Arc::new(Bodies::new(options.metrics_kb)),
        measure: Arc::clone(measure),
        faults: options.faults,
    };
    measure.beating();
    match options.pace(fleet.sites.len()) {
        Pace::Open(rate) => open_loop(options, rate, fleet, &sender).await,
        Pace::Closed(workers) => closed_loop(options.duration, workers, fleet, &sender).await,
    }
    measure.beating();
}

/// The clock alone starts beats. A hub that is late makes them wait, and the wait is part of their time.
async fn open_loop(options: &Options, rate: f64, fleet: Fleet, sender: &Sender) {
    let schedule = Schedule::new(rate, options.ramp_up);
    let places = Arc::new(Semaphore::new(options.max_in_flight.max(1)));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for (number, member) in (0..).zip(fleet.sites.iter().cycle()) {
        let due = schedule.due(number);
        if due >= options.duration {
            break;
        }
        let due = start + due;
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        if start.elapsed() >= options.duration {
            sender.measure.unsent.fetch_add(schedule.due_before(options.duration) - number, Relaxed);
            break;
        }
        if member.busy.swap(true, Relaxed) {
            sender.measure.overlaps.fetch_add(1, Relaxed);
            continue;
        }
        let (sender, member) = (sender.clone(), Arc::clone(member));
        tasks.spawn(async move {
            sender.beat(&member, due).await;
            member.busy.store(false, Relaxed);
            drop(place);
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// The answers start beats: so many sites at a time, as fast as the hub answers. Each worker has sites of its own.
async fn closed_loop(duration: Duration, workers: usize, fleet: Fleet, sender: &Sender) {
    let fleet = Arc::new(fleet);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let (sender, fleet) = (sender.clone(), Arc::clone(&fleet));
        tasks.spawn(async move {
            for member in fleet.sites.iter().skip(worker).step_by(workers).cycle() {
                if start.elapsed() >= duration {
                    break;
                }
                sender.beat(member, Instant::now()).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

// === impl Sender ===

impl Sender {
    async fn beat(&self, member: &Member, due: Instant) {
        let (body, number) = self.bodies.next(member.index);
        let fault = self.faults.pick(rand::random());
        let payload = fault.map_or_else(|| Payload::whole(body.clone()), |fault| fault.spoil(body.clone()));
        self.measure.in_flight.fetch_add(1, Relaxed);
        let outcome = member.site.heartbeat(payload).await;
        self.measure.in_flight.fetch_sub(1, Relaxed);
        self.count(member, number, due, fault, outcome);
        self.measure.beating();
    }

    fn count(
        &self,
        member: &Member,
        number: i64,
        due: Instant,
        fault: Option<Fault>,
        outcome: Result<Acknowledged, ClientError>,
    ) {
        if let Some(fault) = fault {
            self.measure.fault(fault.name());
        }
        match (fault, outcome) {
            (None, Ok(done)) => {
                self.measure.beat(&member.site.name, number, Some((due.elapsed(), done.answer.call)));
            }
            (Some(Fault::Slow), Ok(_)) => self.measure.beat(&member.site.name, number, None),
            (Some(Fault::Abort), Err(ClientError::Http { .. })) => {}
            (Some(Fault::Garbage), Err(error)) if error.status() == Some(StatusCode::BAD_REQUEST) => {}
            (Some(fault), Ok(_)) => {
                self.measure.beat_failed(format!("{} was answered with 200", fault.name()));
            }
            (_, Err(error)) => {
                tracing::debug!(site = member.site.name, %error, "a beat failed");
                self.measure.beat_failed(error.kind());
            }
        }
    }
}
