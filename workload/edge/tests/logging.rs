//! What the log contains about a request, and what it must not contain. A separate binary with a single test, because log
//! levels apply to the whole process: tests that read the log must not run in parallel.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(dead_code, reason = "only a part of the harness is used here")]

#[path = "it/harness.rs"]
mod harness;
#[path = "it/routes.rs"]
mod routes;

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use harness::{Options, TestServer, get};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records what this thread logs. The test's server runs in it, too.
    fn of_this_thread(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The only line that contains the text.
    fn line(&self, text: &str) -> String {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let mut lines = log.lines().filter(|line| line.contains(text));
        let line = lines.next().unwrap_or_else(|| panic!("{text} in {log}"));
        assert!(lines.next().is_none(), "{text} twice in {log}");
        line.to_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

async fn access_log_has_no_query_and_no_address() {
    let (log, _guard) = Log::of_this_thread(Level::INFO);
    let server = TestServer::start(Options::default()).await;
    let response = get(&mut server.connect().await, "/nowhere?code=secret").await;
    let line = log.line(response.header("x-request-id").unwrap());
    for part in [
        "INFO",
        "access:",
        "server=\"test\"",
        "method=GET",
        "path=\"/nowhere\"",
        "status=404",
        "milliseconds=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("secret") && !line.contains("127.0.0.1"), "{line}");
}

async fn access_log_has_the_address_at_debug_level() {
    let (log, _guard) = Log::of_this_thread(Level::DEBUG);
    let server = TestServer::start(Options::default()).await;
    get(&mut server.connect().await, "/peer").await;
    assert!(log.line("path=\"/peer\"").contains("address=127.0.0.1"));
}

async fn cause_of_a_failure_is_logged_with_the_request_id() {
    let (log, _guard) = Log::of_this_thread(Level::INFO);
    let server = TestServer::start(Options::default()).await;
    let response = get(&mut server.connect().await, "/fail").await;
    let line = log.line("a secret detail");
    assert!(line.contains("ERROR") && line.contains(response.header("x-request-id").unwrap()), "{line}");
}

#[tokio::test]
async fn request_log_is_complete_and_has_no_secrets() {
    access_log_has_no_query_and_no_address().await;
    access_log_has_the_address_at_debug_level().await;
    cause_of_a_failure_is_logged_with_the_request_id().await;
}
