//! The errors of a simulation.

use std::path::PathBuf;

use crate::client::ClientError;

/// Why a simulation could not run. Failed joins and heartbeats are counted instead.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The state file has unexpected contents.
    #[error("{path}, line {line}: {problem}")]
    State {
        /// The path of the file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// The problem.
        problem: String,
    },
    /// There is neither a joined cluster nor a token.
    #[error("no clusters: pass join tokens with --tokens-from, or the --state file of an earlier run")]
    NoClusters,
    /// There are fewer joined clusters and tokens than requested.
    #[error("cannot simulate {wanted} clusters: the state file and the join tokens provide only {found}")]
    TooFewClusters {
        /// The number requested.
        wanted: usize,
        /// The number available.
        found: usize,
    },
    /// Keys or TLS cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
}
