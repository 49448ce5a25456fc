//! What a background task is.

use std::time::Duration;

use futures_util::future::BoxFuture;
use store::StoreError;

/// Which units run a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One unit at a time: a round is claimed in the database first, so that each interval has one round in the whole
    /// hub.
    OneUnit,
    /// Every unit, for work that depends on what this process remembers.
    EveryUnit,
}

/// A background task. Its rounds are idempotent: one may be repeated, or break off anywhere, without harm.
///
/// A claim keeps units from doing the same work twice; it is no lock, since a unit may lose its claim while it works.
/// What must not run twice at the same moment takes a lock in its own transaction.
pub trait Task: Send + Sync + 'static {
    /// The task's name in metrics, logs and the table `background_tasks`: lower case, with underscores.
    fn name(&self) -> &'static str;

    /// The time between the starts of two rounds.
    fn interval(&self) -> Duration;

    /// Which units run it.
    fn scope(&self) -> Scope {
        Scope::OneUnit
    }

    /// How long a last round at shutdown may take; `None` where the next unit can do the work as well.
    fn last_round_limit(&self) -> Option<Duration> {
        None
    }

    /// Does one round of work. An error is logged by the driver, and the next round retries.
    fn run(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
