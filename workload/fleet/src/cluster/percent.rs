//! Whole percentages, and the thresholds above which the hub warns.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A whole percentage from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u8")]
pub struct Percent(u8);

/// Why a number is not a whole percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a threshold is a whole number from 0 to 100")]
pub struct InvalidPercent;

/// How full a cluster's storage and memory may be before the hub warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The threshold for each storage pool.
    #[serde(rename = "disk_threshold")]
    pub disk: Percent,
    /// The threshold for the memory of all members together.
    #[serde(rename = "memory_threshold")]
    pub memory: Percent,
}

impl Percent {
    /// Validates a percentage.
    pub fn new(number: i64) -> Result<Self, InvalidPercent> {
        u8::try_from(number).ok().filter(|number| *number <= 100).map(Self).ok_or(InvalidPercent)
    }

    /// The number, 0 to 100.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether `usage` is more than this share of `total`. False if `total` is 0.
    pub fn is_exceeded_by(self, usage: u64, total: u64) -> bool {
        total > 0 && u128::from(usage) * 100 > u128::from(total) * u128::from(self.0)
    }
}

/// `usage` as a percentage of `total`, rounded up so that a share above a threshold is also shown above it.
pub fn share_rounded_up(usage: u64, total: u64) -> u64 {
    if total == 0 {
        return 0;
    }
    let share = (u128::from(usage) * 100).div_ceil(u128::from(total));
    u64::try_from(share).unwrap_or(u64::MAX)
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl TryFrom<i64> for Percent {
    type Error = InvalidPercent;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        Self::new(number)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl Default for Thresholds {
    /// 80% each (contract 2).
    fn default() -> Self {
        Self { disk: Percent(80), memory: Percent(80) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentage_is_from_0_to_100() {
        assert_eq!(Percent::new(100).map(Percent::get), Ok(100));
        for number in [-1, 101, i64::MAX, i64::MIN] {
            assert_eq!(Percent::new(number), Err(InvalidPercent));
        }
    }

    #[test]
    fn equal_share_does_not_exceed() {
        let eighty = Percent::new(80).unwrap();
        assert!(!eighty.is_exceeded_by(80, 100));
        assert!(eighty.is_exceeded_by(81, 100));
        assert!(eighty.is_exceeded_by(u64::MAX, u64::MAX));
        assert!(!eighty.is_exceeded_by(5, 0));
        assert_eq!(share_rounded_up(801, 1000), 81);
    }
}
