//! Any body is either refused as a heartbeat or parsed, without a panic. Metrics are slices of the body, details are the
//! same after being written and parsed again, and judging them yields each warning once.

#![no_main]

use std::collections::HashSet;

use fleet::{Percent, Thresholds, warning};
use libfuzzer_sys::fuzz_target;
use protocol::Heartbeat;
use protocol::heartbeat::Details;

fuzz_target!(|body: &[u8]| {
    let Ok(heartbeat) = Heartbeat::parse(body) else { return };
    let within = body.as_ptr_range();
    for member in &heartbeat.metrics {
        let slice = member.metrics.as_bytes().as_ptr_range();
        assert!(within.start <= slice.start && slice.end <= within.end, "metrics were copied");
    }

    let written = serde_json::to_vec(&heartbeat.details).expect("details can be written");
    let again = Heartbeat::parse(&written).expect("written details can be parsed");
    assert_eq!(again.details, heartbeat.details);

    for percent in [0, 80, 100] {
        judge(&heartbeat.details, percent);
    }
});

/// The database has one row for each kind and subject. A second one would make it refuse the whole heartbeat.
fn judge(details: &Details, percent: i64) {
    let percent = Percent::new(percent).expect("a percentage");
    let found = warning::findings(details, Thresholds { disk: percent, memory: percent });
    let mut seen = HashSet::new();
    for finding in &found {
        assert!(seen.insert((finding.kind, &finding.subject)), "a warning occurs twice");
        assert!(!finding.text.is_empty() && !finding.text.contains('\0'));
    }
}
