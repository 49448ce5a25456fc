//! How a command fails: one line of text, and an exit code for scripts.

use std::process::ExitCode;

use settings::SettingError;
use store::StoreError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong or missing.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Nothing has this name.
    #[error("{0}")]
    NotFound(String),
    /// Something already has this name, or contradicts the request.
    #[error("{0}")]
    Conflict(String),
    /// The database or the hub cannot be reached.
    #[error("{0}")]
    Unavailable(String),
    /// The arguments are wrong.
    #[error("{0}")]
    Usage(String),
    /// Any other reason.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Wraps an error that has no exit code of its own.
    pub fn other(error: impl ToString) -> Self {
        Self::Other(error.to_string())
    }

    /// 1 failure, 2 wrong arguments or settings, 3 not found, 4 conflict, 5 database or hub unavailable.
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
