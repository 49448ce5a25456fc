//! A forecast of when memory or storage will be full.

use time::{Duration, OffsetDateTime};

/// The shortest period that shows a trend.
const MIN_PERIOD: Duration = Duration::days(3);
/// The fewest points that show a trend.
const MIN_POINTS: usize = 48;
/// The least coefficient of determination (r²) of the line through the points.
const MIN_R_SQUARED: f64 = 0.7;
/// The farthest forecast.
const MAX_FORECAST: Duration = Duration::days(365);

/// Returns how long after the last point the share reaches 1, by a line through the points. `None` if the share does not
/// grow, if no line fits, or if it takes more than a year.
pub fn full_in(points: &[(OffsetDateTime, f64)]) -> Option<Duration> {
    let ((first, _), (last, _)) = (points.first()?, points.last()?);
    if points.len() < MIN_POINTS || *last - *first < MIN_PERIOD {
        return None;
    }
    let count = points.len() as f64;
    // Days before the last point, so that the value of the line at 0 is the present share.
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
    let is_clear = day_share > 0.0 && day_share * day_share >= MIN_R_SQUARED * day_day * share_share;
    if !is_clear {
        return None;
    }
    let growth_per_day = day_share / day_day;
    let now = mean_share - growth_per_day * mean_day;
    let left = ((1.0 - now) / growth_per_day).max(0.0);
    (left <= MAX_FORECAST.as_seconds_f64() / 86_400.0).then(|| Duration::seconds_f64(left * 86_400.0))
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
    fn steady_growth_of_one_percent_a_day_is_extrapolated() {
        let left = full_in(&hourly(10, |day| 0.5 + day / 100.0)).unwrap();
        let expected = 50.0 - (10.0 - 1.0 / 24.0);
        assert!((left.as_seconds_f64() / 86_400.0 - expected).abs() < 0.01, "{left}");
    }

    #[test]
    fn daily_variation_does_not_hide_growth() {
        let swing = |day: f64| 0.3 + day / 50.0 + (day * std::f64::consts::TAU).sin() / 50.0;
        assert!(full_in(&hourly(14, swing)).is_some());
    }

    #[test]
    fn share_that_does_not_grow_is_never_full() {
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
    fn too_few_points_and_too_far_forecasts_give_none() {
        assert_eq!(full_in(&hourly(2, |day| day / 10.0)), None);
        assert_eq!(full_in(&[(T, 0.1), (T + Duration::days(9), 0.9)]), None);
        assert_eq!(full_in(&hourly(10, |day| 0.1 + day / 1000.0)), None);
        assert_eq!(full_in(&[]), None);
    }

    #[test]
    fn share_above_one_is_full_now() {
        assert_eq!(full_in(&hourly(10, |day| 0.95 + day / 100.0)), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn forecast_of_any_points_is_within_a_year_or_none(
            shares in prop::collection::vec(prop_oneof![0.0..1.0f64, Just(f64::INFINITY), Just(f64::NAN), -1e30..1e30f64], 0..200),
        ) {
            let points: Vec<_> = shares.iter().enumerate()
                .map(|(hour, share)| (T + Duration::hours(i64::try_from(hour).unwrap()), *share)).collect();
            if let Some(left) = full_in(&points) {
                prop_assert!((Duration::ZERO..=MAX_FORECAST + Duration::SECOND).contains(&left));
            }
        }
    }
}
