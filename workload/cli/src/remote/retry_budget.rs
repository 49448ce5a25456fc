//! How long to wait for a hub that asks to retry later.

use std::time::Duration;

/// The waiting time and the retries that are left for one request.
#[derive(Debug)]
pub(super) struct RetryBudget {
    left: Duration,
    retries: u32,
}

impl RetryBudget {
    /// The longest that one request waits in total.
    const MAX_WAIT: Duration = Duration::from_secs(30);
    const MAX_RETRIES: u32 = 5;

    pub(super) fn new() -> Self {
        Self { left: Self::MAX_WAIT, retries: Self::MAX_RETRIES }
    }

    /// Returns how long to wait before the next retry: the seconds in `Retry-After`, at least 1. `None`: give up.
    pub(super) fn wait(&mut self, retry_after: Option<u64>) -> Option<Duration> {
        let wait = Duration::from_secs(retry_after.unwrap_or(1).max(1));
        self.retries = self.retries.checked_sub(1)?;
        self.left = self.left.checked_sub(wait)?;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_as_long_as_the_hub_asks_within_the_budget() {
        let mut budget = RetryBudget::new();
        assert_eq!(budget.wait(Some(5)), Some(Duration::from_secs(5)));
        assert_eq!(budget.wait(Some(26)), None, "25 seconds are left");
        assert_eq!(RetryBudget::new().wait(Some(3600)), None);
        assert_eq!(RetryBudget::new().wait(Some(0)), Some(Duration::from_secs(1)), "at least 1 second");
        let mut budget = RetryBudget::new();
        let waits = std::iter::from_fn(|| budget.wait(None)).count();
        assert_eq!(waits, 5);
    }
}
