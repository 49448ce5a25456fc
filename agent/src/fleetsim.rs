//! Simulates thousands of clusters with the real client: every cluster has its own key, every heartbeat its own TLS
//! connections.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the command line and the options |
//! | `fleet` | the simulated clusters: loads, joins and stores them |
//! | `state_file` | the file that keeps joined clusters for later runs |
//! | `schedule` | the times at which heartbeats are due |
//! | `heartbeats` | sends the heartbeats |
//! | `body`, `exposition` | the contents of heartbeats |
//! | `faults` | faults injected into heartbeats |
//! | `acknowledgements` | the log of acknowledged joins and heartbeats, for crash tests |
//! | `measure`, [`report`] | counts events and makes the final report |

mod acknowledgements;
mod body;
mod error;
mod exposition;
mod faults;
mod fleet;
mod heartbeats;
mod measure;
pub mod options;
mod progress;
pub mod report;
mod schedule;
mod state_file;

use std::future::{Future, pending};
use std::sync::Arc;

pub use error::SimError;
pub use faults::{Fault, Faults};
use fleet::Fleet;
pub use options::{Options, Pace, ReportFormat};
pub use report::{Latency, Report};

use crate::client::Tls;
use measure::Measurements;

/// Runs a simulation to its end.
pub async fn run(options: Options) -> Result<Report, SimError> {
    run_until(options, pending()).await
}

/// Runs a simulation to its end or until `stop` completes, and reports what was measured by then.
pub async fn run_until(options: Options, stop: impl Future<Output = ()>) -> Result<Report, SimError> {
    raise_open_files_limit();
    let tls = Tls::new(options.tls_groups)?;
    let measurements = Arc::new(Measurements::new(&options)?);
    let progress = progress::show(&measurements, options.quiet);
    let simulation = async {
        let fleet = Fleet::assemble(&options, &tls, &measurements).await?;
        if !options.join_only {
            heartbeats::send(&options, fleet, &measurements).await;
        }
        Ok::<_, SimError>(())
    };
    tokio::select! {
        result = simulation => result?,
        () = stop => {}
    }
    progress.finish();
    Ok(measurements.report())
}

/// Raises the soft limit on open files, usually 1024, to the hard limit. Connections beyond the limit fail and are
/// counted as errors.
fn raise_open_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[cfg(test)]
mod tests;
