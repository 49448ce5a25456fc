//! Thousands of simulated sites with the real client: keys of their own, real TLS, every beat its own connections.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | what to simulate |
//! | `fleet` | the sites: loaded, joined, kept for the next run |
//! | `schedule` | when each beat is due, whatever became of the ones before |
//! | `beats` | sending them |
//! | `body`, `metrics_text` | what a beat says |
//! | `faults` | what a bad network does to some of them |
//! | `acked` | the list of what the hub has acknowledged, for crash tests |
//! | `measure`, [`report`] | counting, and the numbers at the end |

mod acked;
mod beats;
mod body;
mod faults;
mod fleet;
mod measure;
mod metrics_text;
pub mod options;
mod progress;
pub mod report;
mod schedule;

use std::future::{Future, pending};
use std::path::PathBuf;
use std::sync::Arc;

pub use faults::{Fault, Faults};
use fleet::Fleet;
pub use options::{Options, Pace, ReportFormat};
pub use report::{Latency, Report};

use crate::client::{ClientError, Tls};
use measure::Measure;

/// Why a simulation could not run. Refused joins and beats are no such reason: they are counted.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state file holds something else than sites.
    #[error("{path}, line {line}: {problem}")]
    State {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// There is neither a joined site nor a token.
    #[error("no sites: give tokens with --tokens-from, or a --state file of an earlier run")]
    NoSites,
    /// Fewer sites than asked for.
    #[error("{wanted} sites were asked for, but the state and the tokens are enough for {found} only")]
    TooFewSites {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Keys or TLS cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Runs a simulation to its end.
pub async fn run(options: Options) -> Result<Report, SimError> {
    run_until(options, pending()).await
}

/// Runs a simulation to its end, or until `stop` is ready; what was measured by then is the report.
pub async fn run_until(options: Options, stop: impl Future<Output = ()>) -> Result<Report, SimError> {
    raise_open_files();
    let tls = Tls::new(options.tls_groups)?;
    let measure = Arc::new(Measure::new(&options)?);
    let progress = progress::show(&measure, options.quiet);
    let work = async {
        let fleet = Fleet::assemble(&options, &tls, &measure).await?;
        if !options.join_only {
            beats::send(&options, fleet, &measure).await;
        }
        Ok::<_, SimError>(())
    };
    tokio::select! {
        done = work => done?,
        () = stop => {}
    }
    progress.finish();
    Ok(measure.report())
}

/// A thousand connections at once are ordinary here, the usual soft limit is just that.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised the connections that are too many fail and are counted.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[cfg(test)]
mod tests;
