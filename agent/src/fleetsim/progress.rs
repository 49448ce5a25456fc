//! The progress line on a terminal. Without a terminal nothing is printed.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::measure::Measurements;

/// The progress line until it is finished or dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

pub(super) fn show(measurements: &Arc<Measurements>, quiet: bool) -> Progress {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    let (line, measurements) = (bar.clone(), Arc::clone(measurements));
    let task = tokio::spawn(async move {
        let mut before = 0;
        while !line.is_hidden() {
            let heartbeats = measurements.heartbeats.load(Relaxed);
            line.set_message(format!(
                "joins: {}, heartbeats: {heartbeats} ({}/s), in flight: {}, errors: {}",
                measurements.joins.load(Relaxed),
                heartbeats - before,
                measurements.in_flight.load(Relaxed),
                measurements.failures.load(Relaxed),
            ));
            before = heartbeats;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    Progress { bar, task }
}

impl Progress {
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
    }
}
