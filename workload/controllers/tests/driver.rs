//! The driver against a real PostgreSQL: schedule, claims, activation, outcomes, shutdown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use controllers::{Driver, Scope, Task};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use store::tasks::TaskClaim;
use store::{Store, StoreError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);
/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reports every round; fails while the test wants it to.
struct Probe {
    rounds: UnboundedSender<()>,
    interval: Duration,
    scope: Scope,
    fails: bool,
    last_round_limit: Option<Duration>,
}

impl Task for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn last_round_limit(&self) -> Option<Duration> {
        self.last_round_limit
    }

    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let _ = self.rounds.send(());
        let outcome = if self.fails {
            Err(StoreError::Corrupt { table: "probe", column: "probe", problem: "injected".to_owned() })
        } else {
            Ok(())
        };
        async { outcome }.boxed()
    }
}

fn probe(interval: Duration) -> (Probe, UnboundedReceiver<()>) {
    let (rounds, seen) = unbounded_channel();
    (Probe { rounds, interval, scope: Scope::OneUnit, fails: false, last_round_limit: None }, seen)
}

fn driver(store: &Store, task: Probe) -> Driver {
    let mut driver = Driver::new(store.clone());
    driver.add(task);
    driver
}

async fn next(rounds: &mut UnboundedReceiver<()>) {
    timeout(DEADLINE, rounds.recv()).await.unwrap().unwrap();
}

/// Waits until the only task's status meets the condition.
async fn status(
    store: &Store,
    wanted: impl Fn(&store::tasks::TaskStatus) -> bool,
) -> store::tasks::TaskStatus {
    timeout(DEADLINE, async {
        loop {
            if let Some(status) = store.task_statuses().await.unwrap().into_iter().find(&wanted) {
                return status;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap()
}

fn claim(min_age: Duration, lease: Duration) -> TaskClaim {
    TaskClaim { task: "probe", unit: Uuid::now_v7(), lease, min_age }
}

#[tokio::test]
async fn two_units_share_the_rounds_of_a_task() {
    let store = store::testing::migrated_store().await.unwrap();
    let shutdown = CancellationToken::new();
    let (one, mut rounds_of_one) = probe(DAY);
    let (two, mut rounds_of_two) = probe(DAY);
    let first = tokio::spawn(driver(&store, one).run(shutdown.clone()));
    next(&mut rounds_of_one).await;
    status(&store, |status| status.succeeded_at.is_some()).await;
    let mut second = Driver::new(store.clone());
    let activation = second.add(two);
    let second = tokio::spawn(second.run(shutdown.clone()));
    // The day has had its round; on demand there is another.
    activation.activate();
    next(&mut rounds_of_two).await;
    shutdown.cancel();
    first.await.unwrap();
    second.await.unwrap();
    assert!(rounds_of_one.recv().await.is_none() && rounds_of_two.recv().await.is_none());
}

#[tokio::test]
async fn a_task_of_every_unit_needs_no_claim() {
    let store = store::testing::migrated_store().await.unwrap();
    let shutdown = CancellationToken::new();
    let (mut task, mut rounds) = probe(Duration::from_millis(10));
    task.scope = Scope::EveryUnit;
    let running = tokio::spawn(driver(&store, task).run(shutdown.clone()));
    for _ in 0..3 {
        next(&mut rounds).await;
    }
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(store.task_statuses().await.unwrap(), []);
}

#[tokio::test]
async fn a_failed_round_is_recorded_and_retried() {
    let store = store::testing::migrated_store().await.unwrap();
    let shutdown = CancellationToken::new();
    let (mut task, mut rounds) = probe(Duration::from_millis(10));
    task.fails = true;
    let running = tokio::spawn(driver(&store, task).run(shutdown.clone()));
    next(&mut rounds).await;
    next(&mut rounds).await;
    let failed = status(&store, |status| status.failures >= 2).await;
    assert!(failed.error.unwrap().contains("injected"));
    assert_eq!(failed.succeeded_at, None);
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_last_round_runs_at_shutdown() {
    let store = store::testing::migrated_store().await.unwrap();
    let shutdown = CancellationToken::new();
    let (mut task, mut rounds) = probe(DAY);
    task.last_round_limit = Some(DEADLINE);
    let running = tokio::spawn(driver(&store, task).run(shutdown.clone()));
    next(&mut rounds).await;
    shutdown.cancel();
    running.await.unwrap();
    next(&mut rounds).await;
    assert!(rounds.recv().await.is_none());
}

#[tokio::test]
async fn a_claimed_round_is_not_claimed_again_until_its_lease_ends() {
    let store = store::testing::migrated_store().await.unwrap();
    let killed = claim(Duration::ZERO, Duration::from_millis(300));
    assert!(store.claim_task(&killed).await.unwrap());
    let next = claim(Duration::ZERO, DEADLINE);
    assert!(!store.claim_task(&next).await.unwrap());
    let taken_over = timeout(DEADLINE, async { while !store.claim_task(&next).await.unwrap() {} });
    taken_over.await.unwrap();
    // The first unit lives after all: its end does not end the other's claim.
    store.finish_task("probe", killed.unit, None).await.unwrap();
    assert!(!store.claim_task(&claim(Duration::ZERO, DEADLINE)).await.unwrap());
}

#[tokio::test]
async fn a_round_is_due_after_the_interval() {
    let store = store::testing::migrated_store().await.unwrap();
    let unit = claim(DAY, DEADLINE);
    assert!(store.claim_task(&unit).await.unwrap());
    store.finish_task("probe", unit.unit, None).await.unwrap();
    assert!(!store.claim_task(&claim(DAY, DEADLINE)).await.unwrap());
    assert!(store.claim_task(&claim(Duration::ZERO, DEADLINE)).await.unwrap());
}
