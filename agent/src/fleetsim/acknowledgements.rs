//! The log of acknowledged joins and heartbeats, against which crash tests check the hub.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::error::SimError;

/// A file with one line per acknowledgement: cluster, microseconds since 1970 and `memory_usage` (0 for a join),
/// separated by tabs.
#[derive(Debug)]
pub(super) struct AcknowledgementLog {
    path: PathBuf,
    file: Mutex<File>,
}

impl AcknowledgementLog {
    pub(super) fn open(path: &Path) -> Result<Self, SimError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| SimError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Appends a line with a single write, so that no line is truncated if the process is killed.
    pub(super) fn append(&self, cluster: &str, memory_usage: i64) {
        let micros = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
        let line = format!("{cluster}\t{micros}\t{memory_usage}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(path = %self.path.display(), %error, "cannot log an acknowledgement");
        }
    }
}
