//! The body of a request, sent at once or as over a bad network.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// The body of a request, in one part or in two with a fault between them.
#[derive(Debug)]
pub struct Payload {
    parts: [Bytes; 2],
    fault: BodyFault,
}

#[derive(Debug)]
enum BodyFault {
    None,
    Pause(Pin<Box<Sleep>>),
    Abort,
}

/// The body was aborted on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the request body was aborted on purpose")]
pub struct BodyAborted;

impl Payload {
    /// Sends the whole body at once.
    pub fn whole(body: impl Into<Bytes>) -> Self {
        Self { parts: [body.into(), Bytes::new()], fault: BodyFault::None }
    }

    /// Sends half of the body, pauses, and sends the other half. The pause starts now.
    pub fn slow(body: impl Into<Bytes>, pause: Duration) -> Self {
        Self { parts: halves(body.into()), fault: BodyFault::Pause(Box::pin(tokio::time::sleep(pause))) }
    }

    /// Sends half of the body and drops the connection.
    pub fn aborted(body: impl Into<Bytes>) -> Self {
        Self { parts: halves(body.into()), fault: BodyFault::Abort }
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(body: T) -> Self {
        Self::whole(body)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        if !self.parts[0].is_empty() {
            let part = std::mem::take(&mut self.parts[0]);
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        match &mut self.fault {
            BodyFault::None => {}
            BodyFault::Pause(sleep) => ready!(sleep.as_mut().poll(cx)),
            BodyFault::Abort => return Poll::Ready(Some(Err(BodyAborted))),
        }
        self.fault = BodyFault::None;
        if self.parts[1].is_empty() {
            return Poll::Ready(None);
        }
        let part = std::mem::take(&mut self.parts[1]);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty) && !matches!(self.fault, BodyFault::Abort)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.parts.iter().map(|part| part.len() as u64).sum())
    }
}

fn halves(mut body: Bytes) -> [Bytes; 2] {
    let first = body.split_to(body.len() / 2);
    [first, body]
}
