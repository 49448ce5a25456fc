//! Exactly the JSON objects are heartbeats. Metrics are slices of the body, details are within their limits, the same
//! after being written and parsed again, and judging them yields each warning once.

#![no_main]

use std::collections::HashSet;

use fleet::{Percent, Thresholds, warning};
use libfuzzer_sys::fuzz_target;
use protocol::Heartbeat;
use protocol::heartbeat::MAX_DETAILS_BYTES;

fuzz_target!(|body: &[u8]| {
    let is_object = body.trim_ascii_start().first() == Some(&b'{')
        && std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let parsed = Heartbeat::parse(body);
    assert_eq!(parsed.is_ok(), is_object, "a JSON object, and nothing else, is a heartbeat");
    let Ok(heartbeat) = parsed else { return };
    let within = body.as_ptr_range();
    for member in &heartbeat.metrics {
        let slice = member.metrics.as_bytes().as_ptr_range();
        assert!(within.start <= slice.start && slice.end <= within.end, "metrics were copied");
    }

    let written = serde_json::to_vec(&heartbeat.details).expect("details can be written");
    let again = Heartbeat::parse(&written).expect("written details can be parsed");
    assert_eq!(again.details, heartbeat.details);
    assert!(again.misfits.is_empty(), "what was stored could be stored");
    assert!(written.len() <= MAX_DETAILS_BYTES, "details are beyond their limit");

    for percent in [0, 80, 100] {
        judge(&heartbeat, percent);
    }
});

/// The database has one row for each kind and subject. A second one would make it refuse the whole heartbeat.
fn judge(heartbeat: &Heartbeat<'_>, percent: i64) {
    let percent = Percent::new(percent).expect("a percentage");
    let found = warning::findings(&heartbeat.details, &heartbeat.misfits, Thresholds { disk: percent, memory: percent });
    let mut seen = HashSet::new();
    for finding in &found {
        assert!(seen.insert((finding.kind, &finding.subject)), "a warning occurs twice");
        assert!(!finding.text.is_empty() && !finding.text.contains('\0'));
    }
}
