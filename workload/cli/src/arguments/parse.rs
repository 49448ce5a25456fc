//! Values of arguments, parsed and checked.

use std::time::SystemTime;

use fleet::percent::InvalidPercent;
use fleet::{Percent, Role};
use protocol::{ClusterName, Fingerprint};
use time::OffsetDateTime;

/// Parses an expiry: an RFC 3339 time, or a duration from now.
pub(super) fn parse_expiry(text: &str) -> Result<OffsetDateTime, String> {
    if let Some(time) = fleet::timestamp::parse(text) {
        return Ok(time);
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        "expected a time such as 2030-01-31T12:00:00Z, or a duration such as 90m, 24h or 7d".to_owned()
    })?;
    SystemTime::now()
        .checked_add(duration)
        .filter(|_| duration.as_secs() < 100 * 365 * 86_400)
        .map(OffsetDateTime::from)
        .ok_or_else(|| "expected a duration of less than a hundred years".to_owned())
}

/// Parses a time in the past: an RFC 3339 time, or a duration before now.
pub(super) fn parse_past(text: &str) -> Result<OffsetDateTime, String> {
    if let Some(time) = fleet::timestamp::parse(text) {
        return Ok(time);
    }
    let duration = humantime::parse_duration(text).ok().and_then(|duration| duration.try_into().ok());
    duration.and_then(|duration: time::Duration| OffsetDateTime::now_utc().checked_sub(duration)).ok_or_else(
        || "expected a time such as 2030-01-31T12:00:00Z, or how long ago, such as 90m, 24h or 7d".to_owned(),
    )
}

pub(super) fn parse_role(text: &str) -> Result<Role, String> {
    Role::from_word(text).ok_or_else(|| "expected viewer, operator or admin".to_owned())
}

pub(super) fn parse_percent(text: &str) -> Result<Percent, String> {
    let number = text.parse().map_err(|_| InvalidPercent.to_string())?;
    Percent::new(number).map_err(|error| error.to_string())
}

/// The name of a cluster that is about to join.
pub(super) fn parse_new_name(text: &str) -> Result<ClusterName, String> {
    ClusterName::for_new_cluster(text).map_err(|error| error.to_string())
}

pub(super) fn parse_description(text: &str) -> Result<String, String> {
    let is_suitable = protocol::text::check_lines(text);
    is_suitable.map_err(|problem| format!("a description {problem}"))?;
    Ok(text.to_owned())
}

/// Accepts the form that openssl prints, with colons and in capitals, too.
pub(super) fn parse_fingerprint(text: &str) -> Result<Fingerprint, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    digits.parse().map_err(|error: protocol::fingerprint::InvalidFingerprint| error.to_string())
}

pub(super) fn parse_limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=1_000_000).contains(limit));
    limit.ok_or_else(|| "expected a whole number from 1 to 1000000".to_owned())
}
