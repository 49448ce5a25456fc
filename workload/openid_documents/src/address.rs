//! Which addresses may be called.

use url::{Host, Url};

/// Whether others cannot read what is sent to this address: it is `https`, or `http` on loopback.
pub fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether an address points to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_safe() {
        for (address, safe) in [
            ("https://idp.example/token", true),
            ("http://localhost:8085/token", true),
            ("http://127.0.0.1:8085/token", true),
            ("http://[::1]/token", true),
            ("http://idp.example/token", false),
            ("http://localhost.example/token", false),
            ("http://192.0.2.1/token", false),
            ("ftp://localhost/token", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(is_safe(&Url::parse(address).unwrap()), safe, "{address}");
        }
    }
}
