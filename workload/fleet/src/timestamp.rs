//! Times in RFC 3339.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Parses a time in RFC 3339 and converts it to UTC. `None` if it is invalid, or if it is outside the years 0 to 9999 in
/// UTC, since RFC 3339 cannot express it then.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    in_utc(OffsetDateTime::parse(text, &Rfc3339).ok()?)
}

/// Converts a time to UTC. `None` if it is outside the years 0 to 9999 there.
pub fn in_utc(time: OffsetDateTime) -> Option<OffsetDateTime> {
    time.checked_to_offset(UtcOffset::UTC).filter(|time| (0..=9999).contains(&time.year()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn time_outside_the_calendar_in_utc_is_refused() {
        assert_eq!(parse("9999-12-31T23:59:59-23:59"), None);
        assert_eq!(parse("0000-01-01T00:00:00+23:59"), None);
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(datetime!(9999-12-31 23:59:59 UTC)));
        assert_eq!(parse("2030-01-01T02:00:00+02:00"), Some(datetime!(2030-01-01 00:00 UTC)));
        assert_eq!(parse("yesterday"), None);
    }
}
