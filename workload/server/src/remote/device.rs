//! The waiting part of the device authorization grant (RFC 8628, section 3.5): when to ask the provider again whether
//! somebody confirmed the code. Pure: time is a parameter.

use std::time::Duration;

/// What the provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nobody has confirmed it yet.
    Pending,
    /// Not yet either, and we ask too often.
    SlowDown,
    /// Nothing: the connection failed.
    Nothing,
    /// An error that waiting does not mend, with its code and the provider's words.
    Error(String, Option<String>),
}

/// When to ask again.
#[derive(Debug)]
pub(super) struct Polling {
    interval: Duration,
    lifetime: Duration,
}

/// Why asking again is in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotConfirmed {
    /// Somebody said no.
    #[error("the sign-in was refused at the provider")]
    Denied,
    /// Nobody said anything in time.
    #[error("nobody confirmed the code in time: sign in again")]
    Expired,
    /// The provider does not give tokens to a program without a secret.
    #[error(
        "the identity provider does not let this client sign in by a code without its secret: let it (a \"public\" \
         client), or use a service account"
    )]
    ClientRefused,
    /// Anything else that the provider said.
    #[error("the identity provider said: {0}")]
    Other(String),
}

// === impl NotConfirmed ===

impl NotConfirmed {
    /// From the code of RFC 6749 or 8628, and the provider's words.
    pub(super) fn from_code(code: String, words: Option<String>) -> Self {
        match code.as_str() {
            "access_denied" => Self::Denied,
            "expired_token" => Self::Expired,
            "invalid_client" | "unauthorized_client" => Self::ClientRefused,
            _ => Self::Other(words.unwrap_or(code)),
        }
    }
}

// === impl Polling ===

impl Polling {
    /// How often to ask where the provider does not say.
    const INTERVAL: u64 = 5;
    /// By how much to slow down when asked to.
    const SLOWER: Duration = Duration::from_secs(5);
    /// The longest interval that failing connections lead to.
    const LONGEST: Duration = Duration::from_mins(1);

    /// As the provider's first answer says, in seconds.
    pub(super) fn new(interval: Option<u64>, expires_in: u64) -> Self {
        let interval = Duration::from_secs(interval.unwrap_or(Self::INTERVAL).max(1));
        Self { interval, lifetime: Duration::from_secs(expires_in) }
    }

    /// How long to wait before the first question.
    pub(super) fn first(&self) -> Duration {
        self.interval
    }

    /// How long to wait before the next question, so long after the first answer.
    pub(super) fn next(&mut self, heard: Heard, elapsed: Duration) -> Result<Duration, NotConfirmed> {
        match heard {
            Heard::Pending => {}
            Heard::SlowDown => self.interval = self.interval.saturating_add(Self::SLOWER),
            Heard::Nothing => {
                self.interval = self.interval.saturating_mul(2).min(Self::LONGEST.max(self.interval));
            }
            Heard::Error(code, words) => return Err(NotConfirmed::from_code(code, words)),
        }
        if elapsed.saturating_add(self.interval) > self.lifetime {
            Err(NotConfirmed::Expired)
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
    fn asks_as_often_as_the_provider_wants_and_slower_when_told() {
        let mut polling = Polling::new(None, 600);
        assert_eq!(polling.first(), seconds(5));
        assert_eq!(polling.next(Heard::Pending, seconds(5)), Ok(seconds(5)));
        assert_eq!(polling.next(Heard::SlowDown, seconds(10)), Ok(seconds(10)));
        assert_eq!(polling.next(Heard::Pending, seconds(20)), Ok(seconds(10)), "and stays slow");
        assert_eq!(Polling::new(Some(0), 600).first(), seconds(1));
    }

    #[test]
    fn a_failing_connection_is_tried_ever_more_seldom() {
        let mut polling = Polling::new(Some(10), 6000);
        let waits: Vec<_> = (0..4).map(|_| polling.next(Heard::Nothing, seconds(0)).unwrap()).collect();
        assert_eq!(waits, [20, 40, 60, 60].map(seconds));
    }

    #[test]
    fn ends_when_the_code_does_or_somebody_decides() {
        let mut polling = Polling::new(Some(5), 30);
        assert_eq!(polling.next(Heard::Pending, seconds(25)), Ok(seconds(5)));
        assert_eq!(polling.next(Heard::Pending, seconds(26)), Err(NotConfirmed::Expired));
        let mut ends = |code: &str| {
            polling
                .next(Heard::Error(code.to_owned(), Some("no such code".to_owned())), seconds(0))
                .unwrap_err()
        };
        assert_eq!(ends("access_denied"), NotConfirmed::Denied);
        assert_eq!(ends("expired_token"), NotConfirmed::Expired);
        assert_eq!(ends("invalid_client"), NotConfirmed::ClientRefused);
        assert_eq!(ends("invalid_grant"), NotConfirmed::Other("no such code".to_owned()));
    }
}
