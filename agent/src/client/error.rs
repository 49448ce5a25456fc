//! Why an exchange with the hub failed, in words for the person at the terminal.

use std::time::Duration;

use http::StatusCode;
use protocol::{Address, Fingerprint};

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be resolved or nobody answers there.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: Address,
        /// What the system said.
        source: std::io::Error,
    },
    /// The TLS handshake failed, for example since the hub's certificate is expired or names another host.
    #[error("no TLS connection to {address}: {source}")]
    Tls {
        /// Where to.
        address: Address,
        /// What the handshake said.
        source: std::io::Error,
    },
    /// The hub presents another certificate than the one that was pinned. Final: no other address is tried.
    #[error(
        "the certificate of {address} is not the one from the join token: its fingerprint is {found}, expected {expected}"
    )]
    WrongFingerprint {
        /// Which address presented it.
        address: Address,
        /// What it presented.
        found: Fingerprint,
        /// What was pinned.
        expected: Fingerprint,
    },
    /// The connection broke, or the answer is not HTTP.
    #[error("no answer from {address}: {source}")]
    Http {
        /// Who should have answered.
        address: Address,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The exchange took too long.
    #[error("no answer from {address} within {} s", .after.as_secs())]
    Timeout {
        /// Who should have answered.
        address: Address,
        /// How long it was waited for.
        after: Duration,
    },
    /// The hub answered, but not with 200.
    #[error("the hub answered {status}: {}", .body.trim())]
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// The answer's body, as people should read it.
        body: String,
        /// How long to wait before the next try, where the hub said so.
        retry_after: Option<Duration>,
    },
    /// The token is not one.
    #[error(transparent)]
    Token(#[from] protocol::join_token::InvalidJoinToken),
    /// The token is past its date.
    #[error("the join token has expired: ask for a new one")]
    TokenExpired,
    /// Keys or certificates cannot be made or read.
    #[error("keys: {0}")]
    Keys(String),
    /// There is no address to call.
    #[error("no address of the hub is known")]
    NoAddress,
}

impl ClientError {
    /// One short word for statistics: a status code, or which step failed.
    pub fn kind(&self) -> String {
        match self {
            Self::Connect { .. } => "connect".to_owned(),
            Self::Tls { .. } => "tls".to_owned(),
            Self::WrongFingerprint { .. } => "fingerprint".to_owned(),
            Self::Http { .. } => "http".to_owned(),
            Self::Timeout { .. } => "timeout".to_owned(),
            Self::Refused { status, .. } => status.as_u16().to_string(),
            Self::Token(_) | Self::TokenExpired => "token".to_owned(),
            Self::Keys(_) => "keys".to_owned(),
            Self::NoAddress => "no-address".to_owned(),
        }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether another address of the same hub may still do. An answer is an answer, and a foreign certificate is
    /// final (contract 1.1).
    pub(crate) fn may_try_next_address(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Tls { .. } | Self::Http { .. } | Self::Timeout { .. })
    }
}
