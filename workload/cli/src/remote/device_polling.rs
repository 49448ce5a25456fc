//! When to poll the identity provider for the result of a device sign-in (RFC 8628, section 3.5). Pure: time is a
//! parameter.

use std::time::Duration;

/// Why the provider returned no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PollError {
    /// The code is not confirmed yet.
    Pending,
    /// The code is not confirmed yet, and the provider asks to poll less often.
    SlowDown,
    /// The connection failed, or the provider has an internal error.
    NoResponse,
    /// A final error: its code, and the provider's description.
    Failed(String, Option<String>),
}

/// When to poll next.
#[derive(Debug)]
pub(super) struct Polling {
    interval: Duration,
    lifetime: Duration,
}

/// Why a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignInError {
    /// Somebody refused it in the browser.
    #[error("the sign-in was refused in the browser")]
    Denied,
    /// The code expired before somebody confirmed it.
    #[error("the code was not confirmed in time: sign in again")]
    Expired,
    /// The provider gives no tokens to a client without a secret.
    #[error(
        "the identity provider does not let this client sign in with a code: make it a public client at the provider, \
         or use a service account"
    )]
    ClientRefused,
    /// Any other error of the provider.
    #[error("the identity provider refused the sign-in: {0}")]
    Other(String),
}

// === impl SignInError ===

impl SignInError {
    /// From an error code of RFC 6749 or RFC 8628, and the provider's description.
    pub(super) fn from_code(code: String, description: Option<String>) -> Self {
        match code.as_str() {
            "access_denied" => Self::Denied,
            "expired_token" => Self::Expired,
            "invalid_client" | "unauthorized_client" => Self::ClientRefused,
            _ => Self::Other(description.unwrap_or(code)),
        }
    }
}

// === impl Polling ===

impl Polling {
    /// The interval if the provider does not give one.
    const DEFAULT_INTERVAL_SECONDS: u64 = 5;
    /// Added to the interval when the provider asks to slow down.
    const SLOW_DOWN: Duration = Duration::from_secs(5);
    /// The longest interval after failed connections.
    const MAX_INTERVAL: Duration = Duration::from_mins(1);

    /// From the provider's first response, in seconds.
    pub(super) fn new(interval: Option<u64>, expires_in: u64) -> Self {
        let interval = Duration::from_secs(interval.unwrap_or(Self::DEFAULT_INTERVAL_SECONDS).max(1));
        Self { interval, lifetime: Duration::from_secs(expires_in) }
    }

    /// How long to wait before the first poll.
    pub(super) fn first(&self) -> Duration {
        self.interval
    }

    /// How long to wait before the next poll. `elapsed` is the time since the provider's first response.
    pub(super) fn next(&mut self, error: PollError, elapsed: Duration) -> Result<Duration, SignInError> {
        match error {
            PollError::Pending => {}
            PollError::SlowDown => self.interval = self.interval.saturating_add(Self::SLOW_DOWN),
            PollError::NoResponse => {
                self.interval = self.interval.saturating_mul(2).min(Self::MAX_INTERVAL.max(self.interval));
            }
            PollError::Failed(code, description) => return Err(SignInError::from_code(code, description)),
        }
        if elapsed.saturating_add(self.interval) > self.lifetime {
            Err(SignInError::Expired)
        } else {
            Ok(self.interval)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn polls_at_the_providers_interval_and_slows_down_on_request() {
        let mut polling = Polling::new(None, 600);
        assert_eq!(polling.first(), seconds(5));
        assert_eq!(polling.next(PollError::Pending, seconds(5)), Ok(seconds(5)));
        assert_eq!(polling.next(PollError::SlowDown, seconds(10)), Ok(seconds(10)));
        assert_eq!(polling.next(PollError::Pending, seconds(20)), Ok(seconds(10)), "and stays slow");
        assert_eq!(Polling::new(Some(0), 600).first(), seconds(1));
    }

    #[test]
    fn failed_connections_double_the_interval() {
        let mut polling = Polling::new(Some(10), 6000);
        let waits: Vec<_> =
            (0..4).map(|_| polling.next(PollError::NoResponse, seconds(0)).unwrap()).collect();
        assert_eq!(waits, [20, 40, 60, 60].map(seconds));
    }

    #[test]
    fn polling_ends_when_the_code_expires_or_the_provider_decides() {
        let mut polling = Polling::new(Some(5), 30);
        assert_eq!(polling.next(PollError::Pending, seconds(25)), Ok(seconds(5)));
        assert_eq!(polling.next(PollError::Pending, seconds(26)), Err(SignInError::Expired));
        let mut error = |code: &str| {
            polling
                .next(PollError::Failed(code.to_owned(), Some("no such code".to_owned())), seconds(0))
                .unwrap_err()
        };
        assert_eq!(error("access_denied"), SignInError::Denied);
        assert_eq!(error("expired_token"), SignInError::Expired);
        assert_eq!(error("invalid_client"), SignInError::ClientRefused);
        assert_eq!(error("invalid_grant"), SignInError::Other("no such code".to_owned()));
    }
}
