//! Expiry times in requests.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::macros::datetime;

/// Go's zero time, which Go programs send for an unset time.
const GO_ZERO_TIME: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

/// Reads a time that may be absent, null or Go's zero time. All three mean the default (contract section 2).
pub(crate) fn optional<'de, D: Deserializer<'de>>(source: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(source)? else { return Ok(None) };
    let time = fleet::timestamp::parse(&text)
        .ok_or_else(|| D::Error::custom("an expiry is a time such as 2030-01-31T12:00:00Z"))?;
    Ok((time != GO_ZERO_TIME).then_some(time))
}
