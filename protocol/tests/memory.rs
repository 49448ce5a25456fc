//! What a heartbeat costs in memory does not depend on the size of its body. A process of its own, because it measures the
//! process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use protocol::Heartbeat;
use protocol::heartbeat::MAX_DETAILS_BYTES;

const BODY_BYTES: usize = 8 * 1024 * 1024;

/// A figure of `/proc/self/status` in bytes.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// The most memory that parsing takes beyond the body itself.
fn cost(body: &[u8]) -> usize {
    // Resets the peak.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let parsed = Heartbeat::parse(body).unwrap();
    let peak = status("VmHWM");
    drop(parsed);
    peak.saturating_sub(before)
}

/// Repeats `piece` in `before…after` until the body is large.
fn filled(before: &str, piece: &str, after: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY_BYTES + 1024);
    body.extend_from_slice(before.as_bytes());
    while body.len() < BODY_BYTES {
        body.extend_from_slice(piece.as_bytes());
    }
    body.extend_from_slice(after.as_bytes());
    body
}

#[test]
fn large_body_takes_no_more_memory_than_the_limit() {
    let word = "s".repeat(255);
    let pool = format!(r#"{{"name":"{word}","member":"{word}"}},"#);
    let depth = BODY_BYTES / 2;
    for (what, body, allowed) in [
        ("empty pools", filled(r#"{"storage_pool_usages":["#, "{},", "{}]}"), MAX_DETAILS_BYTES),
        ("pools with long names", filled(r#"{"storage_pool_usages":["#, &pool, "{}]}"), MAX_DETAILS_BYTES),
        ("empty statuses", filled(r#"{"member_statuses":["#, "{},", "{}]}"), MAX_DETAILS_BYTES),
        ("empty metrics", filled(r#"{"server_metrics":["#, r#"{"metrics":""},"#, "{}]}"), MAX_DETAILS_BYTES),
        ("repeated fields", filled("{", r#""cpu_load_1":"NaN","#, r#""a":1}"#), MAX_DETAILS_BYTES),
        ("unknown fields", filled("{", r#""\u0061":[{}],"#, r#""a":1}"#), MAX_DETAILS_BYTES),
        ("an escaped text", filled(r#"{"ui_url":""#, r"\n", r#""}"#), MAX_DETAILS_BYTES),
        ("an escaped key", filled(r#"{""#, r"\n", r#"":1}"#), MAX_DETAILS_BYTES),
        (
            "an escaped text instead of a list",
            filled(r#"{"server_metrics":""#, r"\n", r#""}"#),
            MAX_DETAILS_BYTES,
        ),
        ("digits", filled(r#"{"memory_usage":"#, "1", "}"), MAX_DETAILS_BYTES),
        // One bit for each level.
        (
            "nesting",
            [br#"{"a":"#.to_vec(), vec![b'['; depth], vec![b']'; depth], b"}".to_vec()].concat(),
            depth / 8 * 3 + MAX_DETAILS_BYTES,
        ),
    ] {
        let cost = cost(&body);
        // What the process itself needs meanwhile, its stack for example.
        assert!(cost <= allowed + 256 * 1024, "{what}: {cost} bytes");
    }
}
