//! What the hub has acknowledged, one line each, written before anything else happens: what a crash test holds the
//! hub to.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::SimError;

/// A file that grows by `site <tab> microseconds since 1970 <tab> memory_usage`, 0 standing for a join.
#[derive(Debug)]
pub(super) struct Acked {
    path: PathBuf,
    file: Mutex<File>,
}

impl Acked {
    pub(super) fn open(path: &Path) -> Result<Self, SimError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| SimError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// One write a line: even if this program is killed, no line is cut or missing.
    pub(super) fn note(&self, site: &str, memory_usage: i64) {
        let micros = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
        let line = format!("{site}\t{micros}\t{memory_usage}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(path = %self.path.display(), %error, "an acknowledgement could not be noted");
        }
    }
}
