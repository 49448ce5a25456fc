//! Sends the heartbeats, in an open or a closed loop.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::body::Bodies;
use super::faults::{Fault, Faults};
use super::fleet::{Fleet, SimulatedCluster};
use super::measure::Measurements;
use super::options::{Options, Pace};
use super::schedule::Schedule;
use crate::client::{Acknowledged, ClientError, Payload};

/// What all heartbeats share.
#[derive(Clone)]
struct Sender {
    bodies: Arc<Bodies>,
    measurements: Arc<Measurements>,
    faults: Faults,
}

/// Sends heartbeats for the configured duration and waits for the last responses.
pub(super) async fn send(options: &Options, fleet: Fleet, measurements: &Arc<Measurements>) {
    if fleet.clusters.is_empty() {
        return;
    }
    let sender = Sender {
        bodies: Arc::new(Bodies::new(options.metrics_kb)),
        measurements: Arc::clone(measurements),
        faults: options.faults,
    };
    measurements.extend_heartbeat_phase();
    match options.pace(fleet.clusters.len()) {
        Pace::Open(rate) => open_loop(options, rate, fleet, &sender).await,
        Pace::Closed(workers) => closed_loop(options.duration, workers, fleet, &sender).await,
    }
    measurements.extend_heartbeat_phase();
}

/// The clock starts the heartbeats. If the hub is slow they wait, and the wait is part of their latency.
async fn open_loop(options: &Options, rate: f64, fleet: Fleet, sender: &Sender) {
    let schedule = Schedule::new(rate, options.ramp_up);
    let permits = Arc::new(Semaphore::new(options.max_in_flight.max(1)));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for (number, cluster) in (0..).zip(fleet.clusters.iter().cycle()) {
        let due = schedule.due(number);
        if due >= options.duration {
            break;
        }
        let due = start + due;
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
        if start.elapsed() >= options.duration {
            let unsent = schedule.due_before(options.duration) - number;
            sender.measurements.unsent.fetch_add(unsent, Relaxed);
            break;
        }
        if cluster.in_flight.swap(true, Relaxed) {
            sender.measurements.overlaps.fetch_add(1, Relaxed);
            continue;
        }
        let (sender, cluster) = (sender.clone(), Arc::clone(cluster));
        tasks.spawn(async move {
            sender.send(&cluster, due).await;
            cluster.in_flight.store(false, Relaxed);
            drop(permit);
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// Each worker sends one heartbeat after the other, as fast as the hub responds, for its own share of the clusters.
async fn closed_loop(duration: Duration, workers: usize, fleet: Fleet, sender: &Sender) {
    let fleet = Arc::new(fleet);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let (sender, fleet) = (sender.clone(), Arc::clone(&fleet));
        tasks.spawn(async move {
            for cluster in fleet.clusters.iter().skip(worker).step_by(workers).cycle() {
                if start.elapsed() >= duration {
                    break;
                }
                sender.send(cluster, Instant::now()).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

// === impl Sender ===

impl Sender {
    async fn send(&self, cluster: &SimulatedCluster, due: Instant) {
        let (body, memory_usage) = self.bodies.next(cluster.index);
        let fault = self.faults.pick(rand::random());
        let payload = fault.map_or_else(|| Payload::whole(body.clone()), |fault| fault.apply(body.clone()));
        self.measurements.in_flight.fetch_add(1, Relaxed);
        let outcome = cluster.client.heartbeat(payload).await;
        self.measurements.in_flight.fetch_sub(1, Relaxed);
        self.record(cluster, memory_usage, due, fault, outcome);
        self.measurements.extend_heartbeat_phase();
    }

    fn record(
        &self,
        cluster: &SimulatedCluster,
        memory_usage: i64,
        due: Instant,
        fault: Option<Fault>,
        outcome: Result<Acknowledged, ClientError>,
    ) {
        let (measurements, name) = (&self.measurements, &cluster.client.name);
        if let Some(fault) = fault {
            measurements.fault(fault.name());
        }
        match (fault, outcome) {
            (None, Ok(acknowledged)) => {
                let latencies = (due.elapsed(), acknowledged.exchange.call);
                measurements.heartbeat_acknowledged(name, memory_usage, Some(latencies));
            }
            (Some(Fault::Slow), Ok(_)) => measurements.heartbeat_acknowledged(name, memory_usage, None),
            (Some(Fault::Abort), Err(ClientError::Http { .. })) => {}
            (Some(Fault::Garbage), Err(error)) if error.status() == Some(StatusCode::BAD_REQUEST) => {}
            (Some(fault), Ok(_)) => {
                measurements.heartbeat_failed(format!("{} accepted with 200", fault.name()));
            }
            (_, Err(error)) => {
                tracing::debug!(cluster = name, %error, "a heartbeat failed");
                measurements.heartbeat_failed(error.kind());
            }
        }
    }
}
