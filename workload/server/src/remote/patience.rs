//! How long to wait for a hub that asks to come back later.

use std::time::Duration;

/// What is left of the time that one command may spend waiting.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    tries: u32,
}

impl Patience {
    /// The longest that one request waits in all, and how often it asks again.
    const WAITING: Duration = Duration::from_secs(30);
    const TRIES: u32 = 5;

    pub(super) fn new() -> Self {
        Self { left: Self::WAITING, tries: Self::TRIES }
    }

    /// How long to wait before the next try, which `Retry-After` asks to be so many seconds. `None`: give up.
    pub(super) fn wait(&mut self, retry_after: Option<u64>) -> Option<Duration> {
        let wait = Duration::from_secs(retry_after.unwrap_or(1).max(1));
        self.tries = self.tries.checked_sub(1)?;
        self.left = self.left.checked_sub(wait)?;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_as_long_as_the_hub_asks_but_not_for_ever() {
        let mut patience = Patience::new();
        assert_eq!(patience.wait(Some(5)), Some(Duration::from_secs(5)));
        assert_eq!(patience.wait(Some(26)), None, "25 seconds are left");
        assert_eq!(Patience::new().wait(Some(3600)), None);
        assert_eq!(Patience::new().wait(Some(0)), Some(Duration::from_secs(1)), "never hammers");
        let mut patience = Patience::new();
        let waits = std::iter::from_fn(|| patience.wait(None)).count();
        assert_eq!(waits, 5);
    }
}
