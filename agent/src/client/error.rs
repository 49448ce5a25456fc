//! The errors of exchanges with the hub. Their messages are shown to the administrator of the cluster.

use std::time::Duration;

use http::StatusCode;
use protocol::text::escaped;
use protocol::{Address, Fingerprint};

/// Why an exchange with the hub failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be resolved, or the connection cannot be opened.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address that was called.
        address: Address,
        /// The system's error.
        source: std::io::Error,
    },
    /// The TLS handshake failed, for example because the hub's certificate has expired or names another host.
    #[error("cannot open a TLS connection to {address}: {source}")]
    Tls {
        /// The address that was called.
        address: Address,
        /// The error of the handshake.
        source: std::io::Error,
    },
    /// The hub presented a certificate other than the pinned one. No other address is tried (contract 1.1).
    #[error(
        "the certificate of {address} is not the one from the join token: its fingerprint is {found}, expected {expected}"
    )]
    WrongFingerprint {
        /// The address that presented it.
        address: Address,
        /// The fingerprint of the presented certificate.
        found: Fingerprint,
        /// The pinned fingerprint.
        expected: Fingerprint,
    },
    /// The connection broke, or the response is not HTTP.
    #[error("no response from {address}: {source}")]
    Http {
        /// The address that was called.
        address: Address,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection with its request and response took longer than the timeout.
    #[error("no response from {address} within {} s", .after.as_secs())]
    Timeout {
        /// The address that was called.
        address: Address,
        /// The timeout.
        after: Duration,
    },
    /// The status of the response is not 200.
    #[error("the hub responded with {status}: {}", escaped(.body.trim()))]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error message in the envelope, or the start of the body if it is not an envelope.
        body: String,
        /// The header `Retry-After`: the time to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The text is not a join token.
    #[error(transparent)]
    Token(#[from] protocol::join_token::InvalidJoinToken),
    /// The join token has expired.
    #[error("the join token has expired: ask for a new one")]
    TokenExpired,
    /// Keys or certificates cannot be generated or read.
    #[error("cannot use the keys: {0}")]
    Keys(String),
    /// The list of addresses is empty.
    #[error("the address of the hub is missing")]
    NoAddress,
}

impl ClientError {
    /// A short label for statistics: the status, or the step that failed.
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

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether to try the next address of the hub. Any response and a wrong certificate are final (contract 1.1).
    pub(crate) fn may_try_next_address(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Tls { .. } | Self::Http { .. } | Self::Timeout { .. })
    }
}
