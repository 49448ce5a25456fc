//! State that the layers of one connection share: whether a handler is running, and whether a body is left unread.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Shared by a connection's stream, its requests' bodies and its service.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicBool,
    working: AtomicU32,
    unread: AtomicBool,
    closing: AtomicBool,
}

impl Activity {
    /// Marks a request as being handled until the guard is dropped, however its handler ends.
    pub(crate) fn begin(&self) -> Working<'_> {
        self.begun.store(true, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    /// Whether this connection has received a request.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a handler is running, so that the silence on the wire is not the client's fault.
    pub(crate) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Whether the client may still be sending a body that is not read. On HTTP/2: the body of the newest request.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether the connection closes right after the short response that is being sent.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }
}

pub(crate) struct Working<'a>(&'a Activity);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
