//! When something ends, as requests say it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::macros::datetime;

/// What Go programs send for no time at all.
const GO_ZERO: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

/// A time that may be absent, null, or Go's zero, which all mean the default (contract section 2).
pub(super) fn optional<'de, D: Deserializer<'de>>(source: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(source)? else { return Ok(None) };
    let time = fleet::timestamp::parse(&text)
        .ok_or_else(|| D::Error::custom("an expiry is a time such as 2030-01-31T12:00:00Z"))?;
    Ok((time != GO_ZERO).then_some(time))
}
