//! The host that a request names.

use std::sync::Arc;

use http::header::HOST;
use http::{HeaderMap, Uri, Version};

use crate::Error;

/// An extension of every request over HTTP/2. Clients share such a connection between several hosts if the certificate
/// covers them all (RFC 9113 section 9.1.1), so the request may be meant for another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedConnection {
    /// The host for which the client opened the connection, from the TLS handshake (SNI). `None` if it gave no name, as
    /// for an IP address.
    pub server_name: Option<Arc<str>>,
}

/// Refuses a request that does not name exactly one host: 400 (RFC 9112 section 3.2, RFC 9113 section 8.3.1). The name
/// itself can be anything. HTTP/1.0 knows no `Host`, and health checks of load balancers still use it.
pub fn check(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let bad = |text: &str| Err(Error::BadRequest(text.to_owned()));
    let mut hosts = headers.get_all(HOST).into_iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return bad("The request has several Host headers");
    }
    match (version, host, uri.authority()) {
        (Version::HTTP_2, Some(host), Some(authority)) => {
            let is_same = authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes());
            if is_same { Ok(()) } else { bad("The Host header of the request differs from its :authority") }
        }
        (Version::HTTP_2, None, None) => bad("The request names no host"),
        (Version::HTTP_11, None, _) => bad("The request has no Host header"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_refused(version: Version, target: &str, hosts: &[&'static str]) -> bool {
        let headers = hosts.iter().map(|host| (HOST, HeaderValue::from_static(host))).collect();
        check(version, &target.parse().unwrap(), &headers).is_err()
    }

    #[test]
    fn exactly_one_host_is_required_and_can_be_anything() {
        assert!(is_refused(Version::HTTP_11, "/", &[]));
        assert!(is_refused(Version::HTTP_11, "https://hub/", &[]));
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            assert!(is_refused(version, "/", &["a", "b"]), "{version:?}");
            assert!(is_refused(version, "/", &["a", "a"]), "{version:?}");
            for host in ["remote", "10.1.2.3:9000", ""] {
                assert!(!is_refused(version, "/", &[host]), "{version:?} {host}");
            }
        }
        assert!(!is_refused(Version::HTTP_10, "/", &[]));
    }

    #[test]
    fn http2_names_its_host_as_authority_or_as_host_or_twice_the_same() {
        assert!(is_refused(Version::HTTP_2, "/", &[]));
        assert!(!is_refused(Version::HTTP_2, "https://hub:9000/", &[]));
        assert!(!is_refused(Version::HTTP_2, "https://hub:9000/", &["HUB:9000"]));
        assert!(is_refused(Version::HTTP_2, "https://hub:9000/", &["evil"]));
    }
}
