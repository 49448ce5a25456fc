//! Parsing never panics, whatever a member's metrics contain, and a malformed line costs only itself. An independent
//! decoder reads back from the compressed request what was parsed.

#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, unfulfilled_lint_expectations)]

// The source files of `relay` themselves: depending on the crate would build an HTTP client and a TLS library.
#[path = "../../../workload/relay/src"]
mod relay {
    pub(crate) mod labels;
    pub(crate) mod remote_write;
    pub(crate) mod time;
}
#[path = "../../../workload/relay/tests/it/wire.rs"]
mod wire;

use std::collections::BTreeMap;

use exposition::{Parser, Pieces, Sample, unescape};
use labels::{JobLabel, Origin};
use libfuzzer_sys::fuzz_target;
use protocol::ClusterName;
use relay::{labels, remote_write, time};
use remote_write::{BatchBuilder, NORMAL_NAN};
use time::UnixMillis;
use wire::{Series, decode};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fuzz_target!(|data: &[u8]| {
    check(data);
    // As the connector passes it on: the inside of a JSON string. Few mutations of such a text are valid again.
    let mut plain = Vec::new();
    unescape(data, &mut plain);
    check(&plain);
    // In pieces, as the relay reads it.
    let (mut pieces, mut samples) = (Pieces::new(data, Vec::new()), 0);
    while let Some(piece) = pieces.next() {
        let Ok(mut parser) = piece else { continue };
        while let Some(line) = parser.next() {
            samples += usize::from(line.is_ok());
        }
    }
    assert_eq!(samples, samples_in(&plain), "the pieces differ from the whole text");
    if let Ok(text) = std::str::from_utf8(data) {
        let quoted = serde_json::to_string(text).expect("text as JSON");
        plain.clear();
        unescape(&quoted.as_bytes()[1..quoted.len() - 1], &mut plain);
        assert_eq!(plain, data, "unescaping changed the text");
    }
});

fn check(text: &[u8]) {
    let origin = Origin::new(&ClusterName::from_stored("paris".to_owned()), "node-1", JobLabel::Name);
    let mut builder = BatchBuilder::default();
    let mut expected = Vec::new();
    let mut parser = Parser::new(text);
    while let Some(line) = parser.next() {
        let Ok(sample) = line else { continue };
        let mut labels = Vec::new();
        origin.series(&sample, &mut labels);
        builder.push(&labels, sample.value, sample.timestamp_millis.map_or(NOW, UnixMillis));
        expected.push(expected_series(&sample));
    }
    let batch = builder.finish();
    assert_eq!(batch.as_ref().map_or(0, |batch| batch.samples as usize), expected.len());
    if let Some(batch) = batch {
        assert_eq!(decode(&batch.body), expected);
    }
    let alone: usize = text.split(|byte| *byte == b'\n').map(samples_in).sum();
    assert_eq!(alone, expected.len(), "a line affected another one");
}

fn samples_in(text: &[u8]) -> usize {
    let mut parser = Parser::new(text);
    let mut samples = 0;
    while let Some(line) = parser.next() {
        samples += usize::from(line.is_ok());
    }
    samples
}

/// The expected series, derived in a slow and simple way.
fn expected_series(sample: &Sample<'_, '_>) -> Series {
    let exposed: BTreeMap<_, _> =
        sample.labels.iter().map(|label| (label.name.to_owned(), label.value.text().into_owned())).collect();
    assert_eq!(exposed.len(), sample.labels.len(), "a label occurs twice");
    let own = [("__name__", sample.name), ("instance", "node-1"), ("job", "paris"), ("member", "node-1")];
    let mut labels: BTreeMap<String, String> =
        own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (name, value) in &exposed {
        let mut name = name.clone();
        if own.iter().any(|(own, _)| *own == name) {
            name.insert_str(0, "exported_");
            while exposed.contains_key(&name) {
                name.insert_str(0, "exported_");
            }
        }
        if !value.is_empty() {
            assert_eq!(labels.insert(name, value.clone()), None, "two labels became one");
        }
    }
    let bits = if sample.value.is_nan() { NORMAL_NAN } else { sample.value.to_bits() };
    let at = sample.timestamp_millis.map_or(NOW, UnixMillis);
    Series { labels: labels.into_iter().collect(), samples: vec![(bits, at.0)] }
}
