//! `cluster-agent run`: a heartbeat, a pause, and again.

use std::pin::pin;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::{CliError, Places, asked_to_stop};
use crate::client::{self, ClientError};
use crate::lxd;
use crate::state::{Identity, Joined, StateDir};

const FIRST_INTERVAL: Duration = Duration::from_mins(1);
/// What the hub may ask for.
const ALLOWED: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// How much slower a cluster comes that the hub does not know.
const FORBIDDEN_FACTOR: u32 = 10;

/// How long to wait for the next heartbeat.
#[derive(Debug)]
struct Pace {
    fixed: Option<Duration>,
    asked: Duration,
}

pub(super) async fn run(places: &Places, interval: Option<u64>, once: bool) -> Result<(), CliError> {
    let state = places.state()?;
    let joined = state.joined()?.ok_or(CliError::NotJoined)?;
    if once {
        beat(places, &state, &joined).await?;
        println!("The hub has taken the report.");
        return Ok(());
    }
    tracing::info!(name = joined.server_name, "reporting");
    let mut pace = Pace::new(interval.map(Duration::from_secs));
    let mut stop = pin!(asked_to_stop());
    loop {
        let started = Instant::now();
        // Read again each time: `leave` and `join` may have been run meanwhile.
        let Some(joined) = state.joined()? else {
            tracing::info!("this cluster has left the hub");
            return Ok(());
        };
        let outcome = tokio::select! {
            outcome = beat(places, &state, &joined) => outcome,
            () = &mut stop => return Ok(()),
        };
        let pause = pace.after(&outcome);
        match outcome {
            Ok(_) => tracing::debug!("the hub has taken the report"),
            Err(error) if is_forbidden(&error) => {
                tracing::error!(
                    "the hub does not know this cluster any more ({error}): leave it and join again"
                );
            }
            Err(error) => tracing::warn!(%error, "no report was taken"),
        }
        tokio::select! {
            () = tokio::time::sleep_until((started + pause).into()) => {}
            () = &mut stop => return Ok(()),
        }
    }
}

/// One report. When the hub would like the next one.
async fn beat(places: &Places, state: &StateDir, joined: &Joined) -> Result<Option<Duration>, CliError> {
    let outcome = report(places, state, joined).await;
    let error = outcome.as_ref().err().map(ToString::to_string);
    if let Err(error) = state.note_beat(error) {
        tracing::warn!(%error, "the outcome cannot be noted");
    }
    outcome
}

async fn report(places: &Places, state: &StateDir, joined: &Joined) -> Result<Option<Duration>, CliError> {
    let lxd = places.lxd()?.with_metrics_keys(&*state.keys(Identity::Metrics)?);
    let report = lxd::collect(&lxd).await?;
    let done = client::heartbeat(&state.site(joined)?, &report).await?;
    Ok(done.next_update)
}

fn is_forbidden(error: &CliError) -> bool {
    matches!(error, CliError::Client(ClientError::Refused { status, .. }) if *status == StatusCode::FORBIDDEN)
}

// === impl Pace ===

impl Pace {
    fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, asked: FIRST_INTERVAL }
    }

    fn after(&mut self, outcome: &Result<Option<Duration>, CliError>) -> Duration {
        if let Ok(Some(asked)) = outcome {
            self.asked = *asked.clamp(ALLOWED.start(), ALLOWED.end());
        }
        let usual = self.fixed.unwrap_or(self.asked);
        match outcome {
            Err(error) if is_forbidden(error) => usual * FORBIDDEN_FACTOR,
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
    fn the_hub_decides_when_to_come_next() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.after(&Ok(None)), FIRST_INTERVAL);
        assert_eq!(pace.after(&Ok(Some(Duration::from_secs(75)))), Duration::from_secs(75));
        assert_eq!(pace.after(&refused(StatusCode::SERVICE_UNAVAILABLE)), Duration::from_secs(75));
        assert_eq!(pace.after(&Ok(Some(Duration::ZERO))), Duration::from_secs(1));
        assert_eq!(pace.after(&Ok(Some(Duration::MAX))), Duration::from_hours(1));
    }

    #[test]
    fn a_given_interval_wins() {
        let mut pace = Pace::new(Some(Duration::from_secs(5)));
        assert_eq!(pace.after(&Ok(Some(Duration::from_secs(75)))), Duration::from_secs(5));
    }

    #[test]
    fn a_forgotten_cluster_comes_more_slowly_until_it_is_known_again() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.after(&refused(StatusCode::FORBIDDEN)), Duration::from_mins(10));
        assert_eq!(pace.after(&Ok(None)), FIRST_INTERVAL);
    }
}
