//! Which compressed form a client takes (RFC 9110, section 12.5.3).

use http::HeaderValue;

/// A compressed form that we have, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The name in headers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What a compressed file's name ends with.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }
}

/// The forms that the client takes, the one that it likes best first; of equals ours. Empty: send it as it is.
pub(crate) fn accepted(header: Option<&HeaderValue>) -> Vec<Encoding> {
    let Some(text) = header.and_then(|value| value.to_str().ok()) else { return Vec::new() };
    let weight = |encoding: Encoding| {
        let entries = || text.split(',').map(entry);
        let named = entries().find(|(name, _)| name.eq_ignore_ascii_case(encoding.as_str()));
        named.or_else(|| entries().find(|(name, _)| *name == "*")).map_or(0, |(_, weight)| weight)
    };
    let mut weighed: Vec<_> =
        Encoding::ALL.into_iter().map(|encoding| (encoding, weight(encoding))).collect();
    weighed.retain(|(_, weight)| *weight > 0);
    weighed.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    weighed.into_iter().map(|(encoding, _)| encoding).collect()
}

/// A name and its weight in thousandths.
fn entry(text: &str) -> (&str, u16) {
    let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = parameters.trim().strip_prefix("q=").map(str::trim);
    let weight = weight.map_or(Some(1.0), |text| text.parse::<f32>().ok());
    // A weight that cannot be read is none. Between 0 and 1, so that no thousandth is lost or gained.
    let thousandths =
        weight.filter(|weight| (0.0..=1.0).contains(weight)).map_or(0.0, |weight| weight * 1000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    (name.trim(), thousandths.round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&'static str> {
        accepted(Some(&HeaderValue::from_str(text).unwrap())).into_iter().map(Encoding::as_str).collect()
    }

    #[test]
    fn the_client_decides_and_of_equals_we() {
        assert_eq!(of("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(of("gzip;q=1.0, br;q=0.5"), ["gzip", "br"]);
        assert_eq!(of("*"), ["br", "gzip"]);
        assert_eq!(of("br;q=0, *"), ["gzip"]);
        assert_eq!(of("GZIP"), ["gzip"]);
        assert_eq!(of("identity"), [""; 0]);
        assert_eq!(of("br;q=nonsense"), [""; 0]);
        assert!(accepted(None).is_empty());
    }
}
