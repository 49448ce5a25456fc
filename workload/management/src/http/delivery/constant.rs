//! A large response that is the same for everybody: one piece of memory in each encoding, made once.

use std::sync::OnceLock;

use bytes::Bytes;
use edge::Response;
use edge::response::shared;
use http::header::{CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue};

use super::accept::Encoding;
use super::encoder::Encoder;

/// The content with its compressed variants. Responses share them.
pub(crate) struct Constant {
    content_type: &'static str,
    plain: Bytes,
    brotli: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl Constant {
    /// Content that every caller may see: its compressed size reveals nothing.
    pub(crate) fn new(content_type: &'static str, plain: impl Into<Bytes>) -> Self {
        Self { content_type, plain: plain.into(), brotli: OnceLock::new(), gzip: OnceLock::new() }
    }

    /// The response in the encoding that the client prefers.
    pub(crate) fn respond(&self, headers: &HeaderMap) -> Response {
        let encoding = Encoding::preferred(headers.get_all(http::header::ACCEPT_ENCODING));
        let body = match encoding {
            None => &self.plain,
            Some(Encoding::Brotli) => self.brotli.get_or_init(|| compressed(Encoding::Brotli, &self.plain)),
            Some(Encoding::Gzip) => self.gzip.get_or_init(|| compressed(Encoding::Gzip, &self.plain)),
        };
        let mut response = shared(self.content_type, body.clone());
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.header());
        }
        response
    }
}

fn compressed(encoding: Encoding, plain: &[u8]) -> Bytes {
    let mut encoder = Encoder::new(encoding);
    let mut whole = encoder.write(plain);
    whole.extend_from_slice(&encoder.finish());
    whole.into()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn body(constant: &Constant, accepted: &'static str) -> (Option<HeaderValue>, Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert("accept-encoding", HeaderValue::from_static(accepted));
        let response = constant.respond(&headers);
        let encoding = response.headers().get(CONTENT_ENCODING).cloned();
        (encoding, response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn all_responses_are_the_same_memory() {
        let constant = Constant::new("application/json", "compressible ".repeat(10_000));
        for (accepted, encoding) in [("identity", None), ("br", Some("br")), ("gzip", Some("gzip"))] {
            let (first, second) = (body(&constant, accepted).await, body(&constant, accepted).await);
            assert_eq!(first.0, encoding.map(HeaderValue::from_static));
            assert_eq!(first.1.as_ptr(), second.1.as_ptr(), "{accepted}");
            assert_eq!(encoding.is_some(), first.1.len() < 5000, "{accepted}");
        }
    }
}
