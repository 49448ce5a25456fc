//! What the Go clients' JSON needs beyond serde's defaults.

pub(crate) mod scan;

use serde::{Deserialize, Deserializer};

/// Whether the text can only be a JSON object. serde would also accept an array and take its entries for the fields in
/// their order.
pub(crate) fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// Reads `null` as the default value: Go encodes an empty list or map as `null`.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
