//! What the layers of one connection tell each other: whether a handler is at work, and whether a body was left unread.

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
    /// A request is being handled until the guard goes, however its handler ends.
    pub(crate) fn begin(&self) -> Working<'_> {
        self.begun.store(true, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    /// Whether any request came on this connection.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a handler is at work, so that silence on the wire is ours.
    pub(crate) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Whether the client may still be sending a body that nobody reads. On HTTP/2 it is the newest request's.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether a short answer is under way after which the connection closes at once.
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
