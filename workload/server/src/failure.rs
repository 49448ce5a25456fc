//! How a command fails: one line for people, one exit code for scripts.

use std::process::ExitCode;

use settings::SettingError;
use store::StoreError;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong or missing.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// There is something of that name already.
    #[error("{0}")]
    Conflict(String),
    /// The database cannot be reached.
    #[error("{0}")]
    Unavailable(String),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Anything else, from any error.
    pub fn other(error: impl ToString) -> Self {
        Self::Other(error.to_string())
    }

    /// 1 failed, 2 wrong arguments or settings, 3 not found, 4 exists already, 5 database not available.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Other(_) => 1,
            Self::Setting(_) | Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Conflict(_) => 4,
            Self::Unavailable(_) => 5,
        })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() { Self::Unavailable(error.to_string()) } else { Self::other(error) }
    }
}
