//! The page that a browser shows when a sign-in fails. Programs get the usual envelope.

use edge::{Error, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A failed sign-in: a page that offers to try again, or an envelope if the client does not accept HTML.
pub(crate) fn problem(headers: &HeaderMap, error: Error, text: &str, next: &str) -> Response {
    let mut response = error.into_response();
    let accepts_html = headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if !accepts_html {
        return response;
    }
    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Sign-in · Cluster Manager</title><h1>Sign-in failed</h1><p>{}</p>\
         <p><a href=\"/oidc/login?next={next}\">Try again</a></p>",
        escape(text)
    );
    *response.body_mut() = page.into();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_gets_a_page_and_program_an_envelope() {
        let accept = |text| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(text))]);
        let page = problem(&accept("text/html,*/*"), Error::Forbidden, "<b>", "/ui/a?b");
        assert_eq!(
            (page.status().as_u16(), &page.headers()[CONTENT_TYPE]),
            (403, &HeaderValue::from_static("text/html; charset=utf-8"))
        );
        let envelope = problem(&accept("application/json"), Error::Forbidden, "<b>", "/ui/");
        assert_eq!(envelope.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
