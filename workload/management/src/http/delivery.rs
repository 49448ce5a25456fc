//! How an answer travels: compressed where the client can read that, and not at all where it has the same already.
//!
//! Handlers say which answers may be kept ([`with_tag`]); compression is for all JSON that is read, not
//! for answers to changes, which may hold a secret beside what a stranger chose.

mod accept;
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
use encoder::{Compressed, Encoder};

/// Shorter answers fit one packet either way.
const MIN_COMPRESSED: u64 = 1024;
/// How much is compressed before other requests get a turn: about a millisecond's work.
const SLICE: usize = 64 * 1024;

/// What names one state of an answer. Weak: the same state has the same tag in every encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

/// How a request wants its answer.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    is_read: bool,
    encoding: Option<Encoding>,
    has: Vec<HeaderValue>,
}

/// The answer may be kept by who asks each time whether it is still the same, which this tag says.
pub(crate) fn with_tag(tag: EntityTag, mut answer: Response) -> Response {
    answer.extensions_mut().insert(tag);
    answer
}

// === impl EntityTag ===

impl EntityTag {
    /// The tag of what an answer says: all of its metadata, but for what changes without meaning anything.
    pub(crate) fn of(content: &impl Serialize) -> Self {
        let digest = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
        Self(format!("W/\"{}\"", hex::encode(&digest[..16])))
    }

    /// Whether a list of `If-None-Match` names it; strong and weak tags are compared alike there.
    fn is_in(&self, list: &HeaderValue) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let wanted = opaque(&self.0);
        list.to_str().is_ok_and(|list| list.trim() == "*" || list.split(',').any(|tag| opaque(tag) == wanted))
    }
}

// === impl Delivery ===

impl Delivery {
    /// How this request wants its answer.
    pub(crate) fn asked_for_by(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            is_read: matches!(*method, Method::GET | Method::HEAD),
            encoding: Encoding::preferred(headers.get_all(ACCEPT_ENCODING)),
            has: headers.get_all(IF_NONE_MATCH).iter().cloned().collect(),
        }
    }

    /// The answer as it travels.
    pub(crate) async fn deliver(self, mut answer: Response) -> Response {
        let is_json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        // What came with a tag or an encoding of its own is passed on as it is.
        let is_finished =
            answer.headers().contains_key(ETAG) || answer.headers().contains_key(CONTENT_ENCODING);
        if !self.is_read || !is_json || is_finished || answer.status() != StatusCode::OK {
            return answer;
        }
        answer.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        if answer.body().size_hint().exact().is_none() {
            return self.deliver_stream(answer);
        }
        let (mut head, body) = answer.into_parts();
        let tag = head.extensions.remove::<EntityTag>();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(problem) => return edge::Error::internal(problem).into_response(),
        };
        if let Some(tag) = tag {
            head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
            let is_known = self.has.iter().any(|list| tag.is_in(list));
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
            Some(encoding) if body.len() as u64 >= MIN_COMPRESSED => {
                head.headers.insert(CONTENT_ENCODING, encoding.header());
                Response::from_parts(head, compress(encoding, &body).await.into())
            }
            _ => Response::from_parts(head, body.into()),
        }
    }

    fn deliver_stream(&self, answer: Response) -> Response {
        let Some(encoding) = self.encoding else { return answer };
        let (mut head, body) = answer.into_parts();
        head.headers.insert(CONTENT_ENCODING, encoding.header());
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, stream(Compressed::new(encoding, body)).into_response().into_body())
    }
}

async fn compress(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(encoding);
    let mut compressed = Vec::new();
    for (number, slice) in body.chunks(SLICE).enumerate() {
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
