//! Points in time as people write them.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A time in RFC 3339, in UTC. None where it is none, or lies outside the years 0 to 9999 once it is in UTC: what cannot
/// be written down again can be neither stored nor shown.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    in_utc(OffsetDateTime::parse(text, &Rfc3339).ok()?)
}

/// The same moment in UTC, if it can be written there.
pub fn in_utc(moment: OffsetDateTime) -> Option<OffsetDateTime> {
    moment.checked_to_offset(UtcOffset::UTC).filter(|moment| (0..=9999).contains(&moment.year()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_leaves_the_calendar_in_utc_is_none() {
        assert_eq!(parse("9999-12-31T23:59:59-23:59"), None);
        assert_eq!(parse("0000-01-01T00:00:00+23:59"), None);
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(datetime!(9999-12-31 23:59:59 UTC)));
        assert_eq!(parse("2030-01-01T02:00:00+02:00"), Some(datetime!(2030-01-01 00:00 UTC)));
        assert_eq!(parse("yesterday"), None);
    }
}
