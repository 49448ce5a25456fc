//! When something that fills up will be full, where that can be said.

use time::{Duration, OffsetDateTime};

/// Over less than this no trend is seen.
const SHORTEST: Duration = Duration::days(3);
/// Fewer points than this show none.
const FEWEST: usize = 48;
/// How much of what the share does must be explained by the line through it (r²).
const CLEAR: f64 = 0.7;
/// Farther than this nobody can look.
const FARTHEST: Duration = Duration::days(365);

/// How long after the last of these points the share, a line laid through them, reaches 1. `None` where it does not
/// grow, where no line fits, or where it takes more than a year.
pub fn full_in(points: &[(OffsetDateTime, f64)]) -> Option<Duration> {
    let ((first, _), (last, _)) = (points.first()?, points.last()?);
    if points.len() < FEWEST || *last - *first < SHORTEST {
        return None;
    }
    let count = points.len() as f64;
    // Days before the last point, so that the line's value at 0 is the share now.
    let days = |at: &OffsetDateTime| (*at - *last).as_seconds_f64() / 86_400.0;
    let mean_day = points.iter().map(|(at, _)| days(at)).sum::<f64>() / count;
    let mean_share = points.iter().map(|(_, share)| share).sum::<f64>() / count;
    let (mut day_day, mut day_share, mut share_share) = (0.0, 0.0, 0.0);
    for (at, share) in points {
        let (day, share) = (days(at) - mean_day, share - mean_share);
        day_day += day * day;
        day_share += day * share;
        share_share += share * share;
    }
    let is_clear = day_share > 0.0 && day_share * day_share >= CLEAR * day_day * share_share;
    if !is_clear {
        return None;
    }
    let a_day = day_share / day_day;
    let now = mean_share - a_day * mean_day;
    let left = ((1.0 - now) / a_day).max(0.0);
    (left <= FARTHEST.as_seconds_f64() / 86_400.0).then(|| Duration::seconds_f64(left * 86_400.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const T: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn hourly(days: u32, share: impl Fn(f64) -> f64) -> Vec<(OffsetDateTime, f64)> {
        (0..days * 24).map(|hour| (T + Duration::hours(hour.into()), share(f64::from(hour) / 24.0))).collect()
    }

    #[test]
    fn a_disk_that_grows_by_one_percent_a_day_from_half_is_full_when_arithmetic_says() {
        let left = full_in(&hourly(10, |day| 0.5 + day / 100.0)).unwrap();
        let expected = 50.0 - (10.0 - 1.0 / 24.0);
        assert!((left.as_seconds_f64() / 86_400.0 - expected).abs() < 0.01, "{left}");
    }

    #[test]
    fn a_daily_swing_does_not_hide_growth() {
        let swing = |day: f64| 0.3 + day / 50.0 + (day * std::f64::consts::TAU).sin() / 50.0;
        assert!(full_in(&hourly(14, swing)).is_some());
    }

    #[test]
    fn what_does_not_grow_or_only_swings_is_never_full() {
        for share in [
            (|_| 0.5) as fn(f64) -> f64,
            |day| 0.9 - day / 100.0,
            |day| 0.5 + (day * std::f64::consts::TAU).sin() / 10.0,
            |_| 0.0,
        ] {
            assert_eq!(full_in(&hourly(14, share)), None);
        }
    }

    #[test]
    fn too_little_is_no_trend_and_too_far_no_forecast() {
        assert_eq!(full_in(&hourly(2, |day| day / 10.0)), None);
        assert_eq!(full_in(&[(T, 0.1), (T + Duration::days(9), 0.9)]), None);
        assert_eq!(full_in(&hourly(10, |day| 0.1 + day / 1000.0)), None);
        assert_eq!(full_in(&[]), None);
    }

    #[test]
    fn what_is_full_already_is_full_now() {
        assert_eq!(full_in(&hourly(10, |day| 0.95 + day / 100.0)), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn whatever_comes_it_is_a_time_within_a_year_or_nothing(
            shares in prop::collection::vec(prop_oneof![0.0..1.0f64, Just(f64::INFINITY), Just(f64::NAN), -1e30..1e30f64], 0..200),
        ) {
            let points: Vec<_> = shares.iter().enumerate()
                .map(|(hour, share)| (T + Duration::hours(i64::try_from(hour).unwrap()), *share)).collect();
            if let Some(left) = full_in(&points) {
                prop_assert!((Duration::ZERO..=FARTHEST + Duration::SECOND).contains(&left));
            }
        }
    }
}
