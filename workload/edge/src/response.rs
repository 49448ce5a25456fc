//! The shape of every response: the envelope as JSON, with headers that forbid sniffing and storing.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use protocol::envelope::Envelope;
use serde::Serialize;

/// A finished response. Handlers return these for errors too, so that warp never tries another route.
pub type Response = warp::reply::Response;

/// A response with status 200 and this metadata in the envelope.
pub fn success(metadata: impl Serialize) -> Response {
    json(StatusCode::OK, &Envelope::success(metadata))
}

/// A response with status 200 and no body, for clients that never read one (contract 1.1).
pub fn empty() -> Response {
    let mut response = Response::default();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error response with this status and a text that people will read.
pub fn error(status: StatusCode, text: impl Into<String>) -> Response {
    json(status, &Envelope::<Option<()>>::error(status.as_u16(), text))
}

/// Marks a response as one of thousands that are alike: the access log contains it only at debug level.
pub fn routine(mut response: Response) -> Response {
    response.extensions_mut().insert(Routine);
    response
}

/// The mark that [`routine`] sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Routine;

/// A response whose body is the same memory every time, so that it costs little while a client does not read it. Such
/// bytes are constants, or cached for all.
pub fn shared(content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.extensions_mut().insert(SharedMemory);
    response
}

/// The mark that [`shared`] sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedMemory;

/// Any JSON with any status, with the headers of every API response.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(problem) => {
            tracing::error!(%problem, "cannot write a response as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, Vec::new())
        }
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    insert_headers(response.headers_mut());
    response
}

fn insert_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_response_has_its_headers() {
        let response = success(());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn metadata_that_cannot_be_json_is_a_500() {
        let keys_are_not_text = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(success(keys_are_not_text).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
