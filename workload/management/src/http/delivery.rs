//! Delivery of responses: compressed if the client accepts it, and without a body if the client already has it.
//!
//! Handlers mark the responses that clients may keep ([`with_tag`]). Only JSON responses to GET and HEAD are compressed.
//! A response to a change may contain a secret beside text that an attacker chose, and its compressed size would leak
//! something about the secret.

mod accept;
mod constant;
mod encoder;

use edge::Response;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use warp::Reply as _;
use warp::reply::stream;

pub(crate) use accept::Encoding;
pub(crate) use constant::Constant;
use encoder::{Compressed, Encoder};

/// Shorter responses are not compressed: they fit one packet either way.
const MIN_COMPRESSED_BYTES: u64 = 1024;
/// How much is compressed before other tasks get a turn; about a millisecond of work.
const BYTES_PER_TURN: usize = 64 * 1024;

/// The entity tag of a response. It is weak: the same content has the same tag in every encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

/// What a request says about the delivery of its response.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    is_safe_method: bool,
    encoding: Option<Encoding>,
    if_none_match: Vec<HeaderValue>,
}

/// Marks a response that a client may keep if it revalidates it with this tag.
pub(crate) fn with_tag(tag: EntityTag, mut response: Response) -> Response {
    response.extensions_mut().insert(tag);
    response
}

// === impl EntityTag ===

impl EntityTag {
    /// The tag of this content: the metadata, without parts that change although the meaning stays the same.
    pub(crate) fn of(content: &impl Serialize) -> Self {
        let digest = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
        Self(format!("W/\"{}\"", hex::encode(&digest[..16])))
    }

    /// Whether an `If-None-Match` header contains the tag, by weak comparison.
    fn is_in(&self, list: &HeaderValue) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let wanted = opaque(&self.0);
        list.to_str().is_ok_and(|list| list.trim() == "*" || list.split(',').any(|tag| opaque(tag) == wanted))
    }
}

// === impl Delivery ===

impl Delivery {
    /// What this request says about the delivery of its response.
    pub(crate) fn requested_by(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            is_safe_method: matches!(*method, Method::GET | Method::HEAD),
            encoding: Encoding::preferred(headers.get_all(ACCEPT_ENCODING)),
            if_none_match: headers.get_all(IF_NONE_MATCH).iter().cloned().collect(),
        }
    }

    /// The response as it is sent.
    pub(crate) async fn deliver(self, mut response: Response) -> Response {
        let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        // A response that already has a tag, or was already encoded for this client, is passed on unchanged.
        let is_finished =
            [ETAG, CONTENT_ENCODING, VARY].iter().any(|name| response.headers().contains_key(name));
        if !self.is_safe_method || !is_json || is_finished || response.status() != StatusCode::OK {
            return response;
        }
        response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        if response.body().size_hint().exact().is_none() {
            return self.deliver_stream(response);
        }
        let (mut head, body) = response.into_parts();
        let tag = head.extensions.remove::<EntityTag>();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(problem) => return edge::Error::internal(problem).into_response(),
        };
        if let Some(tag) = tag {
            head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
            let is_known = self.if_none_match.iter().any(|list| tag.is_in(list));
            if let Ok(tag) = HeaderValue::try_from(tag.0) {
                head.headers.insert(ETAG, tag);
            }
            if is_known {
                head.status = StatusCode::NOT_MODIFIED;
                head.headers.remove(CONTENT_TYPE);
                return Response::from_parts(head, Vec::new().into());
            }
        }
        match self.encoding {
            Some(encoding) if body.len() as u64 >= MIN_COMPRESSED_BYTES => {
                head.headers.insert(CONTENT_ENCODING, encoding.header());
                Response::from_parts(head, compress(encoding, &body).await.into())
            }
            _ => Response::from_parts(head, body.into()),
        }
    }

    fn deliver_stream(&self, response: Response) -> Response {
        let Some(encoding) = self.encoding else { return response };
        let (mut head, body) = response.into_parts();
        head.headers.insert(CONTENT_ENCODING, encoding.header());
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, stream(Compressed::new(encoding, body)).into_response().into_body())
    }
}

async fn compress(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(encoding);
    let mut compressed = Vec::new();
    for (number, slice) in body.chunks(BYTES_PER_TURN).enumerate() {
        if number > 0 {
            tokio::task::yield_now().await;
        }
        compressed.extend_from_slice(&encoder.write(slice));
    }
    compressed.extend_from_slice(&encoder.finish());
    compressed
}

#[cfg(test)]
mod tests;
