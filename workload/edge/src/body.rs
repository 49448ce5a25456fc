//! A request's body in one piece, or as JSON, never more of it than allowed.
//!
//! A refused body is not read. On HTTP/1.1 the answer then goes out at once and the connection closes, but only after
//! what the client is still sending was thrown away for up to two seconds: closing with bytes unread makes the kernel
//! reset the connection, and the client would lose the answer. A client that sends for longer than that may still see
//! a reset instead of the 413.

use std::error::Error as StdError;
use std::pin::{Pin, pin};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use warp::Filter;
use warp::filters::BoxedFilter;

use crate::Error;
use crate::timed_body::Stalled;

/// Never set aside more than this on a client's word alone; beyond it, memory follows the bytes that really came.
const MAX_RESERVED: usize = 1 << 20;

/// The longest explanation of broken JSON that is sent back.
const MAX_EXPLANATION: usize = 200;

/// A body that is still on its way.
pub struct RequestBody {
    content_type: Option<String>,
    content_length: Option<u64>,
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>,
}

/// The filter for handlers that want a body. It never rejects, so that the handler's own errors are what is answered.
pub fn incoming() -> BoxedFilter<(RequestBody,)> {
    // Two single headers, as copying all of them for every beat would cost more than reading its body.
    let content_type = warp::header::optional("content-type").or(warp::any().map(|| None)).unify();
    let content_length = warp::header::optional("content-length").or(warp::any().map(|| None)).unify();
    content_type.and(content_length).and(warp::body::stream()).map(RequestBody::new).boxed()
}

impl RequestBody {
    fn new<B: Buf + 'static>(
        content_type: Option<String>,
        content_length: Option<u64>,
        stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Self {
        let stream = stream.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
        Self { content_type, content_length, stream: Box::pin(stream) }
    }

    /// How long the client says it is; `None` for a chunked body.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// The body in one piece: see [`read`].
    pub async fn read(self, limit: usize) -> Result<Bytes, Error> {
        read(self.stream, self.content_length, limit).await
    }

    /// The body as JSON: see [`json`].
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        json(self.stream, self.content_type.as_deref(), self.content_length, limit).await
    }
}

/// Reads the body into one piece, copying each byte at most once and none if it came in one chunk.
///
/// A declared length over the limit is refused before a byte is read, a chunked body as soon as it passes it (413).
/// A body that breaks off is a 400, one that stalls a 408.
pub async fn read<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>>,
    content_length: Option<u64>,
    limit: usize,
) -> Result<Bytes, Error> {
    if content_length.is_some_and(|length| length > limit as u64) {
        return Err(Error::TooLarge);
    }
    let mut stream = pin!(stream);
    let Some(first) = next(&mut stream, limit).await? else { return Ok(Bytes::new()) };
    if content_length == Some(first.len() as u64) {
        return Ok(first);
    }
    let Some(second) = next(&mut stream, limit - first.len()).await? else { return Ok(first) };

    let declared = content_length.map_or(0, |length| usize::try_from(length).unwrap_or(limit));
    let mut whole = BytesMut::with_capacity(declared.min(MAX_RESERVED).max(first.len() + second.len()));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next(&mut stream, limit - whole.len()).await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// Reads a body that must be JSON: 415 unless it says `application/json` (browsers cannot send that across sites
/// unasked), 413 as [`read`] does, 400 with a short explanation if it is not.
pub async fn json<T: DeserializeOwned, B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>>,
    content_type: Option<&str>,
    content_length: Option<u64>,
    limit: usize,
) -> Result<T, Error> {
    let media_type = content_type.and_then(|text| text.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Err(Error::UnsupportedMediaType);
    }
    let body = read(stream, content_length, limit).await?;
    serde_json::from_slice(&body).map_err(|problem| {
        let mut text = problem.to_string();
        if text.len() > MAX_EXPLANATION {
            text.truncate(text.floor_char_boundary(MAX_EXPLANATION));
            text.push('…');
        }
        Error::BadRequest(format!("The body is not as expected: {text}"))
    })
}

/// The next chunk that holds anything.
async fn next<B: Buf>(
    stream: &mut Pin<&mut impl Stream<Item = Result<B, warp::Error>>>,
    room: usize,
) -> Result<Option<Bytes>, Error> {
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.map_err(|problem| broken(&problem))?;
        match chunk.remaining() {
            0 => {}
            length if length > room => return Err(Error::TooLarge),
            length => return Ok(Some(chunk.copy_to_bytes(length))),
        }
    }
    Ok(None)
}

fn broken(problem: &warp::Error) -> Error {
    let mut next: Option<&(dyn StdError + 'static)> = Some(problem);
    while let Some(error) = next {
        if error.is::<Stalled>() {
            return Error::RequestTimeout;
        }
        next = error.source();
    }
    Error::BadRequest("The request's body could not be read".to_owned())
}

#[cfg(test)]
mod tests;
