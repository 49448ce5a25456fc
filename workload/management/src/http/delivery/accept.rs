//! The encoding that a client prefers.

use http::HeaderValue;
use http::header::GetAll;

/// A content encoding, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The encoding with the highest weight in `Accept-Encoding`, Brotli if both have the same. `None` if the client accepts
    /// neither or prefers an uncompressed response.
    pub(crate) fn preferred(headers: GetAll<'_, HeaderValue>) -> Option<Self> {
        let texts = headers.iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<(&str, f32)> =
            texts.flat_map(|text| text.split(',')).filter_map(weighted).collect();
        let weight_of = |names: &[&str]| {
            let named = accepted.iter().find(|(name, _)| names.iter().any(|n| name.eq_ignore_ascii_case(n)));
            named.map(|(_, weight)| *weight)
        };
        let any = weight_of(&["*"]).unwrap_or(0.0);
        let brotli = weight_of(&["br"]).unwrap_or(any);
        let gzip = weight_of(&["gzip", "x-gzip"]).unwrap_or(any);
        let identity = weight_of(&["identity"]).unwrap_or(0.0);
        let best = brotli.max(gzip);
        match best {
            _ if best <= 0.0 || identity > best => None,
            _ if brotli >= gzip => Some(Self::Brotli),
            _ => Some(Self::Gzip),
        }
    }

    /// The extension of compressed files.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }

    pub(crate) const fn header(self) -> HeaderValue {
        match self {
            Self::Brotli => HeaderValue::from_static("br"),
            Self::Gzip => HeaderValue::from_static("gzip"),
        }
    }
}

/// A name and its weight. `None` if the weight is invalid.
fn weighted(part: &str) -> Option<(&str, f32)> {
    let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
    let mut weight = 1.0;
    for parameter in parameters.split(';') {
        if let Some((key, value)) = parameter.split_once('=')
            && key.trim().eq_ignore_ascii_case("q")
        {
            weight = value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
        }
    }
    Some((name.trim(), weight))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::ACCEPT_ENCODING;

    use super::*;

    fn preferred(values: &[&str]) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        Encoding::preferred(headers.get_all(ACCEPT_ENCODING))
    }

    #[test]
    fn highest_weight_wins_then_brotli() {
        for (accepted, expected) in [
            ("", None),
            ("identity", None),
            ("deflate", None),
            ("gzip", Some(Encoding::Gzip)),
            ("GZIP", Some(Encoding::Gzip)),
            ("gzip, deflate, br", Some(Encoding::Brotli)),
            ("gzip, deflate, br, zstd", Some(Encoding::Brotli)),
            ("br;q=0.5, gzip;q=0.8", Some(Encoding::Gzip)),
            ("br;q=0, gzip", Some(Encoding::Gzip)),
            ("br ; Q=1.0 , gzip;q=0.9", Some(Encoding::Brotli)),
            ("gzip;q=0", None),
            ("*", Some(Encoding::Brotli)),
            ("*;q=0", None),
            ("br;q=0, *", Some(Encoding::Gzip)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", Some(Encoding::Gzip)),
            ("gzip;q=high", None),
            ("gzip;q=2", None),
        ] {
            assert_eq!(preferred(&[accepted]), expected, "{accepted}");
        }
        assert_eq!(preferred(&[]), None);
        assert_eq!(preferred(&["gzip;q=0.5", "br"]), Some(Encoding::Brotli));
    }
}
