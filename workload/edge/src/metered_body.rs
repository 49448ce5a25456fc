//! A response's body that is charged to its connection until the client has read it.
//!
//! It hands over small pieces, each with its part of the charge. hyper drops a piece when it is written, which needs the
//! client's flow control on HTTP/2, and room in the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Response;
use crate::activity::EventStream;
use crate::caps::{Charge, StreamProgress};

/// The largest piece, in bytes: a frame of HTTP/2. A client must read one within the idle timeout.
const PIECE_BYTES: usize = 16 * 1024;

/// The body of warp's responses, which warp does not name.
pub(crate) type Inner = <Response as IntoBody>::Body;

/// The type of a response's body.
pub(crate) trait IntoBody {
    type Body;
}

impl<B> IntoBody for http::Response<B> {
    type Body = B;
}

/// A response's body with what it costs.
pub(crate) struct MeteredBody {
    inner: Inner,
    /// What remains of the frame that the inner body returned last.
    rest: Bytes,
    metering: Option<Metering>,
    _events: Option<EventStream>,
}

/// How a body is charged.
pub(crate) struct Metering {
    /// What is charged and not handed over yet.
    pub(crate) charge: Charge,
    /// Whether the body's memory belongs to nobody: then the charge is for the response itself, and lasts until its end.
    pub(crate) is_shared: bool,
    /// The progress of the body's stream on HTTP/2.
    pub(crate) stream: Option<Arc<StreamProgress>>,
}

/// A piece of a body, released when hyper has written it.
struct Piece {
    bytes: Bytes,
    _charge: Charge,
    stream: Option<Arc<StreamProgress>>,
}

impl MeteredBody {
    /// A body that is not charged: it is small, and the connection has no other.
    pub(crate) fn free(inner: Inner) -> Self {
        Self { inner, rest: Bytes::new(), metering: None, _events: None }
    }

    pub(crate) fn new(inner: Inner, metering: Metering, events: Option<EventStream>) -> Self {
        Self { inner, rest: Bytes::new(), metering: Some(metering), _events: events }
    }

    /// The next piece of what is there.
    fn piece(&mut self) -> Bytes {
        let bytes = self.rest.split_to(self.rest.len().min(PIECE_BYTES));
        let is_last = self.rest.is_empty() && self.inner.is_end_stream();
        match &mut self.metering {
            Some(metering) => metering.hand_over(bytes, is_last),
            None => bytes,
        }
    }
}

impl Metering {
    /// A body of unknown length is charged as it comes.
    fn grow(&mut self, data: &Bytes, has_length: bool) {
        if !has_length && !self.is_shared {
            self.charge.grow(data.len());
        }
    }

    fn hand_over(&mut self, bytes: Bytes, is_last: bool) -> Bytes {
        let charged = match self.is_shared {
            _ if is_last => usize::MAX,
            true => 0,
            false => bytes.len(),
        };
        let charge = self.charge.split(charged);
        if let Some(stream) = &self.stream {
            stream.handed_over();
        }
        Bytes::from_owner(Piece { bytes, _charge: charge, stream: self.stream.clone() })
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            stream.read();
        }
    }
}

impl Body for MeteredBody {
    type Data = Bytes;
    type Error = <Inner as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            let has_length = self.inner.size_hint().exact().is_some();
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if let Some(metering) = &mut self.metering {
                            metering.grow(&data, has_length);
                        }
                        self.rest = data;
                    }
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
