//! Whatever body is sent as a heartbeat is refused or read, without a panic. Metrics are slices of that body, details
//! that were taken in are the same after they were written and read again, and judging them yields each warning once.

#![no_main]

use std::collections::HashSet;

use fleet::{Percent, Thresholds, warning};
use libfuzzer_sys::fuzz_target;
use protocol::Heartbeat;
use protocol::heartbeat::Details;

fuzz_target!(|body: &[u8]| {
    let Ok(beat) = Heartbeat::parse(body) else { return };
    let within = body.as_ptr_range();
    for member in &beat.metrics {
        let slice = member.metrics.as_bytes().as_ptr_range();
        assert!(within.start <= slice.start && slice.end <= within.end, "metrics were copied");
    }

    let written = serde_json::to_vec(&beat.details).expect("details can be written");
    let again = Heartbeat::parse(&written).expect("what was written can be read");
    assert_eq!(again.details, beat.details);

    for percent in [0, 80, 100] {
        judge(&beat.details, percent);
    }
});

/// The database keeps one row for each kind and subject: a second one of the same would make it refuse the whole beat.
fn judge(details: &Details, percent: i64) {
    let percent = Percent::new(percent).expect("a percentage");
    let found = warning::findings(details, Thresholds { disk: percent, memory: percent });
    let mut seen = HashSet::new();
    for finding in &found {
        assert!(seen.insert((finding.kind, &finding.subject)), "the same warning twice");
        assert!(!finding.text.is_empty() && !finding.text.contains('\0'));
    }
}
