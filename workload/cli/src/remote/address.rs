//! A hub's address as people type it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// `https://host[:port]`. `http` is accepted for this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAddress(Url);

/// Why a text is not a hub's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHubAddress {
    /// `https://` is missing.
    #[error("an address begins with https://, such as https://{0}")]
    NoScheme(String),
    /// The scheme is not `https`.
    #[error("the address of a hub begins with https://, not {0}")]
    OtherScheme(String),
    /// The scheme is `http`, which would send tokens unencrypted.
    #[error("http would send your token unencrypted: use https (http works on this machine only)")]
    InClear,
    /// The URL has more than a host and a port.
    #[error("an address has the form https://HOST or https://HOST:PORT")]
    More,
    /// The text is not a URL.
    #[error("not a valid address: {0}")]
    Malformed(String),
}

impl HubAddress {
    /// Returns the URL of a path below the hub's root, with each segment percent-encoded. `None`: a URL cannot hold
    /// such a segment.
    pub(crate) fn url(&self, segments: &[&str]) -> Option<Url> {
        // "." and ".." move within a URL's path, percent-encoded or not.
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return None;
        }
        let mut url = self.0.clone();
        url.path_segments_mut().ok()?.clear().extend(segments);
        Some(url)
    }

    /// Whether the hub is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Whether a URL points to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl FromStr for HubAddress {
    type Err = InvalidHubAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !text.contains("://") {
            return Err(InvalidHubAddress::NoScheme(text.to_owned()));
        }
        let url = Url::parse(text).map_err(|error| InvalidHubAddress::Malformed(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(InvalidHubAddress::InClear),
            other => return Err(InvalidHubAddress::OtherScheme(other.to_owned())),
        }
        let has_more = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if has_more { Err(InvalidHubAddress::More) } else { Ok(Self(url)) }
    }
}

impl fmt::Display for HubAddress {
    /// The normal form, which is also the key of kept sign-ins.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_https_and_a_host() {
        for (text, shown) in [
            ("https://hub.example.com", "https://hub.example.com"),
            (" https://HUB.example.com:443/ ", "https://hub.example.com"),
            ("https://[::1]:9000", "https://[::1]:9000"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(text.parse::<HubAddress>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn invalid_address_is_explained() {
        for (text, problem) in [
            ("hub.example.com", "begins with https://, such as https://hub.example.com"),
            ("hub.example.com:9000", "begins with https://"),
            ("http://hub.example.com", "unencrypted"),
            ("http://localhost.example.com", "unencrypted"),
            ("ftp://hub", "not ftp"),
            ("https://hub/ui", "has the form"),
            ("https://me:secret@hub", "has the form"),
            ("https://hub?x", "has the form"),
            ("https://", "not a valid address"),
        ] {
            let error = text.parse::<HubAddress>().unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn any_name_is_one_segment() {
        let hub: HubAddress = "https://hub".parse().unwrap();
        let url = |name| hub.url(&["1.0", "remote-cluster", name]).map(String::from);
        assert_eq!(url("a/b?c#d%é").unwrap(), "https://hub/1.0/remote-cluster/a%2Fb%3Fc%23d%25%C3%A9");
        assert_eq!(url("..").or(url(".")).or(url("")), None);
        assert_eq!(url("%2e%2e").unwrap(), "https://hub/1.0/remote-cluster/%252e%252e");
    }
}
