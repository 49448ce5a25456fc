//! `cluster-agent run`: sends heartbeats.

use std::pin::pin;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::directories::Directories;
use super::error::CliError;
use crate::client::{self, ClientError};
use crate::lxd;
use crate::process::wait_for_stop_signal;
use crate::state::{Identity, Joined, StateDir};
use crate::terminal;

/// The interval until the hub asks for another one.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(1);
/// The intervals that the hub may ask for; others are clamped.
const ALLOWED_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(1);
/// The factor by which the interval grows while the hub does not know this cluster.
const FORBIDDEN_INTERVAL_FACTOR: u32 = 10;

/// The interval between heartbeats.
#[derive(Debug)]
struct Pace {
    /// The interval that the user set.
    fixed: Option<Duration>,
    /// The interval that the hub last asked for.
    requested: Duration,
}

pub(super) async fn run(
    directories: &Directories,
    interval: Option<u64>,
    once: bool,
) -> Result<(), CliError> {
    let state = directories.state()?;
    let joined = state.joined()?.ok_or(CliError::NotJoined)?;
    if once {
        heartbeat(directories, &state, &joined).await?;
        terminal::line("The hub accepted the report.");
        return Ok(());
    }
    tracing::info!(name = joined.server_name, "sending reports");
    let mut pace = Pace::new(interval.map(Duration::from_secs));
    let mut stop = pin!(wait_for_stop_signal());
    loop {
        let started = Instant::now();
        // Another process may have run `leave` or `join` in the meantime.
        let Some(joined) = state.joined()? else {
            tracing::info!("this cluster has left the hub; stopping");
            return Ok(());
        };
        let outcome = tokio::select! {
            outcome = heartbeat(directories, &state, &joined) => outcome,
            () = &mut stop => return Ok(()),
        };
        let interval = pace.next_interval(&outcome);
        match outcome {
            Ok(_) => tracing::debug!("the hub accepted the report"),
            Err(error) if is_forbidden(&error) => {
                tracing::error!(%error, "the hub no longer knows this cluster; leave the hub and join again");
            }
            Err(error) => tracing::warn!(%error, "cannot send the report"),
        }
        tokio::select! {
            () = tokio::time::sleep_until((started + interval).into()) => {}
            () = &mut stop => return Ok(()),
        }
    }
}

/// Sends one report and stores its outcome. Returns the interval that the hub asks for.
async fn heartbeat(
    directories: &Directories,
    state: &StateDir,
    joined: &Joined,
) -> Result<Option<Duration>, CliError> {
    let outcome = send_report(directories, state, joined).await;
    let error = outcome.as_ref().err().map(ToString::to_string);
    if let Err(error) = state.record_heartbeat(error) {
        tracing::warn!(%error, "cannot store the outcome of the report");
    }
    outcome
}

async fn send_report(
    directories: &Directories,
    state: &StateDir,
    joined: &Joined,
) -> Result<Option<Duration>, CliError> {
    let lxd = directories.lxd()?.with_metrics_keys(&*state.keys(Identity::Metrics)?);
    let report = lxd::collect(&lxd).await?;
    let acknowledged = client::heartbeat(&state.cluster(joined)?, &report).await?;
    Ok(acknowledged.next_update)
}

fn is_forbidden(error: &CliError) -> bool {
    matches!(error, CliError::Client(ClientError::Refused { status, .. }) if *status == StatusCode::FORBIDDEN)
}

// === impl Pace ===

impl Pace {
    fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, requested: DEFAULT_INTERVAL }
    }

    fn next_interval(&mut self, outcome: &Result<Option<Duration>, CliError>) -> Duration {
        if let Ok(Some(requested)) = outcome {
            self.requested = *requested.clamp(ALLOWED_INTERVALS.start(), ALLOWED_INTERVALS.end());
        }
        let usual = self.fixed.unwrap_or(self.requested);
        match outcome {
            Err(error) if is_forbidden(error) => usual * FORBIDDEN_INTERVAL_FACTOR,
            _ => usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: StatusCode) -> Result<Option<Duration>, CliError> {
        Err(CliError::Client(ClientError::Refused { status, body: String::new(), retry_after: None }))
    }

    #[test]
    fn hub_sets_the_interval() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.next_interval(&Ok(None)), DEFAULT_INTERVAL);
        assert_eq!(pace.next_interval(&Ok(Some(Duration::from_secs(75)))), Duration::from_secs(75));
        assert_eq!(pace.next_interval(&refused(StatusCode::SERVICE_UNAVAILABLE)), Duration::from_secs(75));
        assert_eq!(pace.next_interval(&Ok(Some(Duration::ZERO))), Duration::from_secs(1));
        assert_eq!(pace.next_interval(&Ok(Some(Duration::MAX))), Duration::from_hours(1));
    }

    #[test]
    fn fixed_interval_overrides_the_hub() {
        let mut pace = Pace::new(Some(Duration::from_secs(5)));
        assert_eq!(pace.next_interval(&Ok(Some(Duration::from_secs(75)))), Duration::from_secs(5));
    }

    #[test]
    fn interval_grows_while_the_hub_refuses_the_cluster() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.next_interval(&refused(StatusCode::FORBIDDEN)), Duration::from_mins(10));
        assert_eq!(pace.next_interval(&Ok(None)), DEFAULT_INTERVAL);
    }
}
