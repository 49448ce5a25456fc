//! Bursts, waits and full tables, with a mock clock.

use governor::clock::FakeRelativeClock;

use super::*;

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// A burst of two, then one per second.
fn limiter(max_keys: usize) -> (Limiter<u32, FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Limiter::with_clock(Quota::per_second(number(1), number(2)), max_keys, clock.clone()), clock)
}

#[test]
fn burst_is_accepted_and_then_the_wait_is_returned() {
    let (limiter, clock) = limiter(10);
    assert_eq!([limiter.check(&1), limiter.check(&1)], [Ok(()), Ok(())]);
    assert_eq!(limiter.check(&1), Err(RetryAfter(Duration::from_secs(1))));
    clock.advance(Duration::from_millis(400));
    assert_eq!(limiter.check(&1), Err(RetryAfter(Duration::from_millis(600))));
    clock.advance(Duration::from_millis(600));
    assert_eq!(limiter.check(&1), Ok(()));
    assert!(limiter.check(&1).is_err());
}

#[test]
fn keys_have_separate_buckets() {
    let (limiter, _) = limiter(10);
    while limiter.check(&1).is_ok() {}
    assert_eq!(limiter.check(&2), Ok(()));
}

#[test]
fn new_keys_share_one_bucket_when_the_table_is_full() {
    let (limiter, clock) = limiter(2);
    for key in [1, 2] {
        limiter.check(&key).unwrap();
    }
    assert_eq!([limiter.check(&3), limiter.check(&4)], [Ok(()), Ok(())]);
    assert!(limiter.check(&5).is_err());
    assert_eq!([limiter.check(&1), limiter.check(&2)], [Ok(()), Ok(())]);
    assert_eq!(limiter.len(), 2);

    clock.advance(Duration::from_secs(10));
    assert_eq!([limiter.check(&5), limiter.check(&6)], [Ok(()), Ok(())]);
    assert_eq!(limiter.len(), 2, "unused keys were removed for new ones");
}

#[test]
fn full_table_of_keys_in_use_still_accepts_some_new_keys() {
    let (limiter, clock) = limiter(1);
    for newcomer in 2..12 {
        clock.advance(Duration::from_secs(1));
        while limiter.check(&1).is_ok() {}
        assert_eq!(limiter.check(&newcomer), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn maintenance_removes_keys_that_were_not_used_for_long() {
    let (limiter, clock) = limiter(10);
    limiter.check(&1).unwrap();
    clock.advance(Duration::from_secs(10));
    limiter.check(&2).unwrap();
    let shutdown = CancellationToken::new();
    let maintain = limiter.maintain(Duration::from_mins(1), shutdown.clone());
    tokio::join!(maintain, async {
        tokio::time::sleep(Duration::from_secs(61)).await;
        shutdown.cancel();
    });
    assert_eq!(limiter.len(), 1);
}

#[test]
fn meaningless_quotas_are_refused() {
    for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e-9] {
        assert_eq!(Quota::new(per_second, number(1)), Err(InvalidQuota), "{per_second}");
    }
    assert_eq!(Quota::new(1e-3, number(u32::MAX)), Err(InvalidQuota));
    assert_eq!(Quota::new(0.5, number(3)).unwrap().0.replenish_interval(), Duration::from_secs(2));
    assert!(Quota::new(1e12, number(u32::MAX)).is_ok());
}
