//! A request's body as contiguous bytes or as JSON, up to a limit.
//!
//! A refused body is not read. On HTTP/1.1 the response is then sent immediately and the connection closes, but only
//! after discarding what the client still sends, for up to two seconds: closing with unread bytes makes the kernel reset
//! the connection, and the client would lose the response. A client that sends for longer than that may see a reset
//! instead of the 413.

mod mapped;
pub(crate) mod timed;

use std::error::Error as StdError;
use std::pin::{Pin, pin};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use warp::Filter;
use warp::filters::BoxedFilter;

use crate::Error;
use mapped::Growing;
use timed::Stalled;

/// The most memory, in bytes, that is reserved because a client declares a long body. Beyond it, memory grows with the
/// bytes that arrive.
const MAX_RESERVED_BYTES: usize = 1 << 20;

/// The longest explanation of malformed JSON that is sent back, in bytes.
const MAX_EXPLANATION_BYTES: usize = 200;

/// An extension of requests with a body that is compressed or encoded in another way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded;

/// A body that is still arriving.
pub struct RequestBody {
    is_coded: bool,
    content_type: Option<String>,
    content_length: Option<u64>,
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>,
}

/// Decides when a chunk of a body may be kept.
pub trait Admission: Send {
    /// Waits until this many more bytes may be kept. An error ends the reading.
    fn admit(&mut self, bytes: usize) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The filter for handlers that need a body. It never rejects, so that clients receive the handler's own errors.
pub fn incoming() -> BoxedFilter<(RequestBody,)> {
    // Two single headers: copying all of them for every heartbeat would cost more than reading its body.
    let content_type = warp::header::optional("content-type").or(warp::any().map(|| None)).unify();
    let content_length = warp::header::optional("content-length").or(warp::any().map(|| None)).unify();
    let coded = warp::ext::optional::<Coded>();
    content_type.and(content_length).and(coded).and(warp::body::stream()).map(RequestBody::new).boxed()
}

impl Coded {
    /// The mark, if the headers say that the body has a coding other than `identity`.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = headers.get_all(CONTENT_ENCODING).into_iter();
        let is_plain = |value: &HeaderValue| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .map(<[u8]>::trim_ascii)
                .all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
        };
        (!codings.all(is_plain)).then_some(Self)
    }
}

impl RequestBody {
    fn new<B: Buf + 'static>(
        content_type: Option<String>,
        content_length: Option<u64>,
        coded: Option<Coded>,
        stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Self {
        let stream = stream.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
        Self { is_coded: coded.is_some(), content_type, content_length, stream: Box::pin(stream) }
    }

    /// Refuses a body that is compressed or encoded in another way (415). Reading the body does the same. For handlers
    /// that may not read it.
    pub fn check_coding(&self) -> Result<(), Error> {
        if self.is_coded { Err(Error::CodedBody) } else { Ok(()) }
    }

    /// The length that the client declares; `None` for a chunked body.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// The body as contiguous bytes: see [`read`]. 415 for a coded one.
    pub async fn read(self, limit: usize) -> Result<Bytes, Error> {
        self.check_coding()?;
        read(self.stream, self.content_length, limit).await
    }

    /// The same, but each chunk is admitted before it is kept, so that the caller can bound the memory of all bodies
    /// together.
    ///
    /// Memory for the whole declared length is reserved at once, so that it is never copied: bound the number of callers.
    pub async fn read_admitted(self, limit: usize, admission: &mut impl Admission) -> Result<Bytes, Error> {
        self.check_coding()?;
        let declared = declared_length(self.content_length, limit)?;
        let (mut stream, mut whole) = (self.stream, Growing::with_capacity(declared));
        let mut stream = Pin::new(&mut stream);
        while let Some(chunk) = next(&mut stream, limit - whole.len()).await? {
            admission.admit(chunk.len()).await?;
            whole.extend(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The body as JSON: see [`json`]. 415 for a coded one.
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        self.check_coding()?;
        json(self.stream, self.content_type.as_deref(), self.content_length, limit).await
    }
}

/// Reads the body into contiguous memory. Each byte is copied at most once, and not at all if there is only one chunk.
///
/// A declared length above the limit is refused before a byte is read, a chunked body as soon as it exceeds the limit
/// (413). A body that ends early is a 400, one that stalls a 408.
pub async fn read<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>>,
    content_length: Option<u64>,
    limit: usize,
) -> Result<Bytes, Error> {
    let declared = declared_length(content_length, limit)?;
    let mut stream = pin!(stream);
    let Some(first) = next(&mut stream, limit).await? else { return Ok(Bytes::new()) };
    if content_length == Some(first.len() as u64) {
        return Ok(first);
    }
    let Some(second) = next(&mut stream, limit - first.len()).await? else { return Ok(first) };

    let mut whole = BytesMut::with_capacity(declared.min(MAX_RESERVED_BYTES).max(first.len() + second.len()));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next(&mut stream, limit - whole.len()).await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// Reads a body that must be JSON. 415 unless its type is `application/json`, which a browser cannot send to another
/// origin without asking first; 413 as in [`read`]; 400 with a short explanation if it cannot be parsed.
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
        if text.len() > MAX_EXPLANATION_BYTES {
            text.truncate(text.floor_char_boundary(MAX_EXPLANATION_BYTES));
            text.push('…');
        }
        Error::BadRequest(format!("The request's body is invalid: {text}"))
    })
}

/// The declared length, or 0 if there is none. Above the limit it is a 413.
fn declared_length(content_length: Option<u64>, limit: usize) -> Result<usize, Error> {
    match content_length {
        None => Ok(0),
        Some(length) => usize::try_from(length).ok().filter(|length| *length <= limit).ok_or(Error::TooLarge),
    }
}

/// The next chunk that is not empty.
async fn next<B: Buf>(
    stream: &mut Pin<&mut impl Stream<Item = Result<B, warp::Error>>>,
    max_bytes: usize,
) -> Result<Option<Bytes>, Error> {
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.map_err(|problem| broken(&problem))?;
        match chunk.remaining() {
            0 => {}
            length if length > max_bytes => return Err(Error::TooLarge),
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
    Error::BadRequest("The request's body cannot be read".to_owned())
}

#[cfg(test)]
mod tests;
