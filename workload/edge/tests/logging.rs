//! What the log says of a request, and what it must not. A process and a test of its own: whether a line is logged at
//! all is decided for a process as a whole, so tests that listen to the log must not run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(dead_code, reason = "of the harness, only a part is needed here")]

#[path = "it/harness.rs"]
mod harness;

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use harness::{Options, TestServer, get};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Takes down what this thread logs, in which a test's server runs too.
    fn of_this_thread(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The one line that holds the text.
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

async fn a_line_for_each_request_without_query_and_address() {
    let (log, _guard) = Log::of_this_thread(Level::INFO);
    let server = TestServer::start(Options::default()).await;
    let answer = get(&mut server.connect().await, "/nowhere?code=secret").await;
    let line = log.line(answer.header("x-request-id").unwrap());
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

async fn for_debugging_the_address_too() {
    let (log, _guard) = Log::of_this_thread(Level::DEBUG);
    let server = TestServer::start(Options::default()).await;
    get(&mut server.connect().await, "/peer").await;
    assert!(log.line("path=\"/peer\"").contains("address=127.0.0.1"));
}

async fn the_cause_of_a_failure_with_the_requests_id() {
    let (log, _guard) = Log::of_this_thread(Level::INFO);
    let server = TestServer::start(Options::default()).await;
    let answer = get(&mut server.connect().await, "/fail").await;
    let line = log.line("a secret detail");
    assert!(line.contains("ERROR") && line.contains(answer.header("x-request-id").unwrap()), "{line}");
}

#[tokio::test]
async fn a_request_is_logged_with_what_helps_and_without_what_must_not_be_there() {
    a_line_for_each_request_without_query_and_address().await;
    for_debugging_the_address_too().await;
    the_cause_of_a_failure_with_the_requests_id().await;
}
