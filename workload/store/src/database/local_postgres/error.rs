//! Errors of the local PostgreSQL.

use std::io;
use std::path::PathBuf;

use super::programs::OLDEST_VERSION;

/// How many lines of a failed program's output an error contains.
const MAX_OUTPUT_LINES: usize = 5;

/// Why a local PostgreSQL cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LocalPostgresError {
    /// The programs are not installed.
    #[error(
        "PostgreSQL {OLDEST_VERSION} or newer is not installed: on Debian or Ubuntu run `apt-get install postgresql`"
    )]
    NotInstalled,
    /// This process runs as root, and there is no other user that could run PostgreSQL.
    #[error("PostgreSQL does not run as root, and there is no user `postgres` to run it as")]
    NoUser,
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// The last lines of its output.
        output: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL did not start: see {0}")]
    NotStarted(PathBuf),
    /// A file or folder cannot be used.
    #[error("{path}: {error}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

pub(super) fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(MAX_OUTPUT_LINES)..].join("; ")
}
