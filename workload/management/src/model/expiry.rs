//! When something ends, as requests say it.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::macros::datetime;

/// What Go programs send for no time at all.
const GO_ZERO: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

/// A time that may be absent, null, or Go's zero, which all mean the default (contract section 2).
pub(super) fn optional<'de, D: Deserializer<'de>>(source: D) -> Result<Option<OffsetDateTime>, D::Error> {
    #[derive(Deserialize)]
    struct Time(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);
    let time = Option::<Time>::deserialize(source)?.map(|Time(time)| time);
    Ok(time.filter(|time| *time != GO_ZERO))
}
