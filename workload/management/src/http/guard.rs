//! Protection against other websites, and the security headers of every response.

use edge::{Error, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method};

/// The default policy: a browser must not run, frame or load anything of a response.
const DEFAULT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Refuses requests that another website makes a browser send (contract section 2), except opening a page.
pub(crate) fn check_fetch_site(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Error> {
    let Some(site) = headers.get("sec-fetch-site") else { return Ok(()) };
    let is_foreign = matches!(site.as_bytes(), b"cross-site" | b"same-site");
    let opens_page =
        method == Method::GET && (matches!(path, "/" | "/ui" | "/oidc/callback") || path.starts_with("/ui/"));
    if is_foreign && !opens_page { Err(Error::Forbidden) } else { Ok(()) }
}

/// Adds the security headers, unless the handler has set its own. There is no CORS: no other origin is allowed anything.
pub(crate) fn harden(response: &mut Response, has_public_name: bool) {
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(DEFAULT_POLICY);
    // Without a public name, such as on localhost, the header would also affect other programs of the machine.
    if has_public_name {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(method: &Method, path: &str, site: &str) -> bool {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("sec-fetch-site"),
            HeaderValue::from_str(site).unwrap(),
        )]);
        check_fetch_site(method, path, &headers).is_err()
    }

    #[test]
    fn other_sites_may_only_open_pages() {
        for site in ["cross-site", "same-site"] {
            for path in ["/", "/ui", "/ui/", "/ui/cluster/a%2Fb", "/oidc/callback"] {
                assert!(!is_refused(&Method::GET, path, site), "{path}");
                assert!(is_refused(&Method::POST, path, site), "{path}");
            }
            for path in ["/1.0", "/1.0/remote-cluster", "/oidc/login", "/oidc/logout", "/uix", "/1.0/status"]
            {
                assert!(is_refused(&Method::GET, path, site), "{path}");
            }
        }
    }

    #[test]
    fn own_pages_and_programs_may_call_everything() {
        for site in ["same-origin", "none", ""] {
            assert!(!is_refused(&Method::DELETE, "/1.0/remote-cluster/a", site));
        }
        assert!(check_fetch_site(&Method::DELETE, "/1.0/remote-cluster/a", &HeaderMap::new()).is_ok());
    }

    #[test]
    fn policy_of_the_handler_is_kept() {
        let mut response = Response::default();
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        harden(&mut response, false);
        assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(response.headers()[X_FRAME_OPTIONS], "DENY");
        assert!(!response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
