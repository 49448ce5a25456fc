//! The socket under a connection's TLS. It times out if the peer is silent for too long, and it closes in such a way that
//! the peer can still read the last response.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::activity::Activity;

/// How long a closing connection keeps discarding an unwanted body. See [`crate::body`].
const LINGER: Duration = Duration::from_secs(2);

/// How many bytes a connection may read before other tasks get a turn. Otherwise one that always has something to read,
/// such as a flood of pings, keeps a thread for seconds.
const BYTES_PER_TURN: usize = 32 * 1024;

/// A socket with its timeouts. `G` is a guard that lives exactly as long as the socket.
pub(crate) struct GuardedStream<G> {
    socket: TcpStream,
    idle: Duration,
    activity: Arc<Activity>,
    /// When the last byte was sent or received.
    last: Instant,
    /// The bytes read in this turn.
    turn: usize,
    /// There are two timers because two tasks may poll the halves of a websocket, and a timer wakes only one of them.
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
    /// The last response, held back until the close that follows it: one write and one packet instead of two.
    held: Vec<u8>,
    _guard: G,
}

impl<G> Drop for GuardedStream<G> {
    /// The last response must be sent even if the connection is dropped instead of closed.
    fn drop(&mut self) {
        if !self.held.is_empty() {
            let _ = self.socket.try_write(&self.held);
        }
    }
}

impl<G: Unpin> GuardedStream<G> {
    pub(crate) fn new(socket: TcpStream, idle: Duration, activity: Arc<Activity>, guard: G) -> Self {
        let last = Instant::now();
        Self {
            socket,
            idle,
            activity,
            last,
            turn: 0,
            reading: None,
            writing: None,
            lingering: None,
            held: Vec::new(),
            _guard: guard,
        }
    }

    /// Ends a read that has waited too long. Silence while a handler is running does not count.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let last = self.last;
        let timer = self.reading.get_or_insert_with(|| Box::pin(sleep_until(last + self.idle)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let deadline = if self.activity.is_working() { now + self.idle } else { self.last + self.idle };
            if deadline <= now {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            timer.as_mut().reset(deadline);
        }
    }

    /// Writes the response that was held back.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let result = Pin::new(&mut self.socket).poll_write(cx, &self.held);
            match ready!(self.written(cx, result))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(self.held.drain(..written)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(result) => {
                self.last = Instant::now();
                self.writing = None;
                Poll::Ready(result)
            }
            Poll::Pending => {
                let idle = self.idle;
                ready!(self.writing.get_or_insert_with(|| Box::pin(sleep(idle))).as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<G: Unpin> AsyncRead for GuardedStream<G> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn >= BYTES_PER_TURN {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.socket).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                self.last = Instant::now();
                let bytes = buffer.filled().len() - before;
                self.turn += bytes;
                self.activity.received(bytes)?;
                Poll::Ready(result)
            }
            Poll::Pending => {
                self.turn = 0;
                self.poll_idle(cx).map(Err)
            }
        }
    }
}

impl<G: Unpin> AsyncWrite for GuardedStream<G> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.activity.is_closing() {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.activity.is_closing() {
            let before = self.held.len();
            for slice in slices {
                self.held.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(self.held.len() - before));
        }
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
        if !self.activity.is_unread() {
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        let timer = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut scratch = [0; 16 * 1024];
        while timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
