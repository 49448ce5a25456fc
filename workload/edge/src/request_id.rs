//! The id by which a response is found in the log.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// Sixteen hex digits, an extension of every request and the `X-Request-Id` of every response. Unique, but not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The next id. Costs a counter and a few multiplications: a random number from the kernel would cost a microsecond
    /// for every heartbeat.
    pub fn next() -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().1);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(mix(SEED.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    pub(crate) fn header(self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 16];
        for (digit, shift) in text.iter_mut().zip((0..64).step_by(4).rev()) {
            *digit = DIGITS[(self.0 >> shift & 0xf) as usize];
        }
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// The finaliser of SplitMix64: a bijection, so distinct counts stay distinct, and consecutive ones look unrelated.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_written_the_same_everywhere() {
        let ids: Vec<RequestId> = (0..1000).map(|_| RequestId::next()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        for id in ids {
            assert_eq!(id.header(), id.to_string());
        }
    }
}
