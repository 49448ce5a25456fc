//! The progress of one HTTP/2 stream. Its response must be read, piece by piece: pings, and the progress of other
//! streams, do not count.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static STREAM: Arc<StreamProgress>;
}

/// What of a stream's response was handed to hyper and is not read yet.
#[derive(Debug, Default)]
pub(crate) struct StreamProgress {
    pieces: Mutex<Pieces>,
    /// Notified when the number of pieces becomes zero, and when it no longer is.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pieces {
    unread: usize,
    /// When the last piece was read, or the first one handed over.
    moved: Option<Instant>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The client read the response, or reset the stream.
    Done,
    /// The client stopped reading.
    Stalled,
}

/// The progress of the stream whose task this is. `None` on HTTP/1.1.
pub(crate) fn current_stream() -> Option<Arc<StreamProgress>> {
    STREAM.try_with(Arc::clone).ok()
}

/// Runs the task of a stream. If the client reads nothing of the response for `idle`, the task ends, which resets the
/// stream. If only h2 still holds the end of the response, which then nobody can reset, the connection is cut.
pub(crate) async fn watch_stream(
    task: impl Future<Output: Send> + Send,
    idle: Duration,
    cut: &CancellationToken,
) -> StreamEnd {
    let progress = Arc::<StreamProgress>::default();
    {
        let task = STREAM.scope(Arc::clone(&progress), task);
        tokio::select! {
            biased;
            _ = task => {}
            () = progress.stalled(idle) => return StreamEnd::Stalled,
        }
    }
    tokio::select! {
        biased;
        () = progress.drained() => StreamEnd::Done,
        () = progress.stalled(idle) => {
            cut.cancel();
            StreamEnd::Stalled
        }
        () = cut.cancelled() => StreamEnd::Done,
    }
}

impl StreamProgress {
    /// A piece of the response was handed to hyper.
    pub(crate) fn handed_over(&self) {
        let mut pieces = self.lock();
        pieces.unread += 1;
        if pieces.unread == 1 {
            pieces.moved = Some(Instant::now());
            self.changed.notify_waiters();
        }
    }

    /// A piece was read by the client, or thrown away.
    pub(crate) fn read(&self) {
        let mut pieces = self.lock();
        pieces.unread -= 1;
        pieces.moved = Some(Instant::now());
        if pieces.unread == 0 {
            self.changed.notify_waiters();
        }
    }

    /// Since when the client has read nothing, if there is something to read.
    fn waiting_since(&self) -> Option<Instant> {
        let pieces = self.lock();
        pieces.moved.filter(|_| pieces.unread > 0)
    }

    async fn stalled(&self, idle: Duration) {
        loop {
            let changed = self.changed.notified();
            let Some(since) = self.waiting_since() else {
                changed.await;
                continue;
            };
            sleep_until(since + idle).await;
            if self.waiting_since().is_some_and(|since| since.elapsed() >= idle) {
                return;
            }
        }
    }

    async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            if self.waiting_since().is_none() {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_read_slowly_goes_on() {
        let cut = CancellationToken::new();
        let task = async {
            let stream = current_stream().unwrap();
            for _ in 0..10 {
                stream.handed_over();
                sleep(IDLE * 2 / 3).await;
                stream.read();
                sleep(IDLE * 2).await;
            }
        };
        assert_eq!(watch_stream(task, IDLE, &cut).await, StreamEnd::Done);
        assert!(!cut.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_not_read_is_reset() {
        let (cut, begun) = (CancellationToken::new(), Instant::now());
        let task = async {
            let stream = current_stream().unwrap();
            stream.handed_over();
            stream.handed_over();
            sleep(IDLE / 2).await;
            stream.read();
            std::future::pending::<()>().await;
        };
        assert_eq!(watch_stream(task, IDLE, &cut).await, StreamEnd::Stalled);
        assert_eq!(begun.elapsed().as_secs(), 45);
        assert!(!cut.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn end_of_a_response_that_is_not_read_cuts_the_connection() {
        let cut = CancellationToken::new();
        let task = async { current_stream().unwrap().handed_over() };
        assert_eq!(watch_stream(task, IDLE, &cut).await, StreamEnd::Stalled);
        assert!(cut.is_cancelled());
    }

    #[tokio::test]
    async fn there_is_no_stream_outside_of_its_task() {
        assert!(current_stream().is_none());
    }
}
