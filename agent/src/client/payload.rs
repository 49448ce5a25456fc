//! A request's body, whole or delivered the way a bad network does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// A body.
#[derive(Debug)]
pub struct Payload {
    parts: [Bytes; 2],
    between: Between,
}

#[derive(Debug)]
enum Between {
    Nothing,
    Pause(Pin<Box<Sleep>>),
    Break,
}

/// The payload was told to break off.
#[derive(Debug, thiserror::Error)]
#[error("the request was broken off on purpose")]
pub struct BrokenOff;

impl Payload {
    /// The whole body at once.
    pub fn whole(body: impl Into<Bytes>) -> Self {
        Self { parts: [body.into(), Bytes::new()], between: Between::Nothing }
    }

    /// Half of the body, a pause, the other half. The pause is counted from now.
    pub fn slow(body: impl Into<Bytes>, pause: Duration) -> Self {
        Self { parts: halves(body.into()), between: Between::Pause(Box::pin(tokio::time::sleep(pause))) }
    }

    /// Half of the body, then the connection is dropped.
    pub fn broken_off(body: impl Into<Bytes>) -> Self {
        Self { parts: halves(body.into()), between: Between::Break }
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(body: T) -> Self {
        Self::whole(body)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if !self.parts[0].is_empty() {
            let part = std::mem::take(&mut self.parts[0]);
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        match &mut self.between {
            Between::Nothing => {}
            Between::Pause(sleep) => ready!(sleep.as_mut().poll(cx)),
            Between::Break => return Poll::Ready(Some(Err(BrokenOff))),
        }
        self.between = Between::Nothing;
        if self.parts[1].is_empty() {
            return Poll::Ready(None);
        }
        let part = std::mem::take(&mut self.parts[1]);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty) && !matches!(self.between, Between::Break)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.parts.iter().map(|part| part.len() as u64).sum())
    }
}

fn halves(mut body: Bytes) -> [Bytes; 2] {
    let first = body.split_to(body.len() / 2);
    [first, body]
}
