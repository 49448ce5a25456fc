//! Any message from a tunnel is either refused or parsed, without a panic, and is the same after being written and parsed
//! again. A path that passes the check stays below `/1.0` and cannot break out of a request's first line.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use protocol::tunnel::{Request, Response, check_path};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|data: &[u8]| {
    survives::<Response>(data);
    if let Some(request) = survives::<Request>(data) {
        check(&request.path);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
});

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let frame: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&frame).expect("a frame can be written");
    let again: T = serde_json::from_slice(&written).expect("a written frame can be parsed");
    assert_eq!(again, frame);
    Some(frame)
}

fn check(path: &str) {
    if check_path(path).is_err() {
        return;
    }
    assert!(path == "/1.0" || path.starts_with("/1.0/"));
    assert!(!path.chars().any(char::is_control));
    let plain = path.split('?').next().unwrap_or_default();
    let mut depth = 0_i32;
    for part in plain.split('/').skip(2) {
        depth += match part {
            ".." => -1,
            "" | "." => 0,
            _ => 1,
        };
        assert!(depth >= 0, "the path leaves /1.0");
    }
}
