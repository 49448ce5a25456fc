//! One line on the terminal while it runs; nothing where there is no terminal.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::measure::Measure;

/// The line, until it is finished or dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

pub(super) fn show(measure: &Arc<Measure>, quiet: bool) -> Progress {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    let (shown, measure) = (bar.clone(), Arc::clone(measure));
    let task = tokio::spawn(async move {
        let mut before = 0;
        while !shown.is_hidden() {
            let beats = measure.beats.load(Relaxed);
            shown.set_message(format!(
                "{} joined, {beats} beats ({}/s), {} under way, {} errors",
                measure.joins.load(Relaxed),
                beats - before,
                measure.in_flight.load(Relaxed),
                measure.failures.load(Relaxed),
            ));
            before = beats;
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
