//! The files of the web UI (contract section 2): `/`, `/ui` and everything below `/ui/`. Loading them needs no sign-in;
//! the API that they call does.
//!
//! `make ui` builds them into `workload/ui/dist`, with compressed variants beside each file, and they are embedded into
//! the program. A program that was built without them shows a page that says so.

use std::borrow::Cow;

use bytes::Bytes;
use edge::response::shared;
use edge::{Error, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderValue,
    IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};
use warp::Reply as _;

use crate::http::call::Call;
use crate::http::delivery::Encoding;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../ui/dist"]
#[allow_missing = true]
struct Files;

/// The page for every path of the UI, which does its own routing.
const PAGE: &str = "index.html";
/// The folder of files that have a hash of their content in their name, so they never change.
const HASHED: &str = "assets/";
/// Everything comes from and goes to this origin; no inline scripts or styles, no frames.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Redirects to the UI.
pub(crate) async fn root(_call: Call) -> Result<Response, Error> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/ui/"));
    Ok(response)
}

/// A file of the UI, or its page for any other path.
pub(crate) async fn file(call: Call) -> Result<Response, Error> {
    let path = call.parameters.first().map_or("", String::as_str);
    if path.starts_with(HASHED) {
        return serve(path, &call.headers).ok_or(Error::NotFound);
    }
    // A path of the UI can contain anything, even the name of a cluster. If no file has this name, it is a page.
    let file = if path.is_empty() { None } else { serve(path, &call.headers) };
    Ok(file.or_else(|| serve(PAGE, &call.headers)).unwrap_or_else(without_ui))
}

/// The file in the encoding that the client prefers, or 304 if the client already has it.
fn serve(path: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Files::get(path)?;
    let etag =
        HeaderValue::from_str(&format!("W/\"{}\"", hex::encode(&plain.metadata.sha256_hash()[..16]))).ok()?;
    let mut response = if headers.get(IF_NONE_MATCH) == Some(&etag) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        with_body(path, plain, headers)
    };
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ETAG, etag);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    Some(response)
}

fn with_body(path: &str, plain: EmbeddedFile, headers: &HeaderMap) -> Response {
    let preferred = Encoding::preferred(headers.get_all(ACCEPT_ENCODING));
    let encoded = preferred.and_then(|encoding| {
        Some((Files::get(&format!("{path}.{}", encoding.extension()))?, Some(encoding)))
    });
    let (file, encoding) = encoded.unwrap_or((plain, None));
    // Embedded files are constants. Only a development build reads them from the disk every time.
    let body = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = shared(content_type(path), body);
    let headers = response.headers_mut();
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, encoding.header());
    }
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The page of a program that was built without the UI.
fn without_ui() -> Response {
    const TEXT: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
        content=\"width=device-width\"><title>Cluster Manager</title><h1>Cluster Manager</h1>\
        <p>This program was built without its web UI. Run <code>make ui</code>, then build the program again.\
        <p>The API works without it: see <a href=\"/api\">its description</a>. On the server, \
        <code>cluster-manager cluster list</code> lists the clusters.";
    let mut response = warp::reply::html(TEXT).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_without_ui_says_so() {
        let response = without_ui();
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[test]
    fn content_type_follows_the_extension() {
        assert_eq!(content_type("assets/index-abc.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("favicon.svg"), "image/svg+xml");
        assert_eq!(content_type("strange"), "application/octet-stream");
    }
}
