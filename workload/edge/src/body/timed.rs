//! A request's body with an idle timeout, which also records whether it was read to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use crate::activity::Activity;

/// No byte of the body arrived within the idle timeout.
#[derive(Debug, thiserror::Error)]
#[error("the request's body stalled")]
pub(crate) struct Stalled;

pub(crate) struct TimedBody {
    inner: Incoming,
    idle: Duration,
    /// Set only while a chunk is awaited: most bodies are complete when they are read.
    timer: Option<Pin<Box<Sleep>>>,
    activity: Arc<Activity>,
}

impl TimedBody {
    pub(crate) fn new(inner: Incoming, idle: Duration, activity: Arc<Activity>) -> Self {
        activity.set_unread(!inner.is_end_stream());
        Self { inner, idle, timer: None, activity }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.timer = None;
                if frame.is_none() || self.inner.is_end_stream() {
                    self.activity.set_unread(false);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let idle = self.idle;
                ready!(self.timer.get_or_insert_with(|| Box::pin(sleep(idle))).as_mut().poll(cx));
                Poll::Ready(Some(Err(Stalled.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
