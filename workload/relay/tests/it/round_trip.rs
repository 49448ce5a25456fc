//! Independent libraries decode what the relay parses and encodes.

use crate::wire::{Series, decode};
use exposition::Parser;
use proptest::prelude::*;
use protocol::ClusterName;
use relay::labels::{JobLabel, Origin};
use relay::remote_write::{BatchBuilder, NORMAL_NAN};
use relay::time::UnixMillis;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn relayed(text: &[u8]) -> Vec<Series> {
    let origin = Origin::new(&ClusterName::new("paris").unwrap(), "node-1", JobLabel::Name);
    let mut parser = Parser::new(text);
    let mut builder = BatchBuilder::default();
    while let Some(line) = parser.next() {
        let Ok(sample) = line else { continue };
        let mut labels = Vec::new();
        origin.series(&sample, &mut labels);
        builder.push(&labels, sample.value, sample.timestamp_millis.map_or(NOW, UnixMillis));
    }
    builder.finish().map(|batch| decode(&batch.body)).unwrap_or_default()
}

#[derive(Debug, Clone)]
struct Written {
    name: String,
    labels: std::collections::BTreeMap<String, String>,
    value: f64,
    timestamp: Option<i64>,
}

impl Written {
    fn line(&self) -> String {
        let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let timestamp = self.timestamp.map(|millis| format!(" {millis}")).unwrap_or_default();
        format!("{}{{{}}} {}{timestamp}", self.name, labels.join(","), self.value)
    }

    fn expected(&self) -> Series {
        let mut labels = self.labels.clone();
        for (name, value) in
            [("__name__", self.name.as_str()), ("job", "paris"), ("instance", "node-1"), ("member", "node-1")]
        {
            labels.insert(name.to_owned(), value.to_owned());
        }
        labels.retain(|_, value| !value.is_empty());
        let bits = if self.value.is_nan() { NORMAL_NAN } else { self.value.to_bits() };
        Series {
            labels: labels.into_iter().collect(),
            samples: vec![(bits, self.timestamp.unwrap_or(NOW.0))],
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    // The prefix avoids names that are renamed.
    let labels = proptest::collection::btree_map("[xX_][a-zA-Z0-9_]{0,8}", any::<String>(), 0..6)
        .prop_map(|labels| labels.into_iter().filter(|(name, _)| name != "__name__").collect());
    ("[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", labels, any::<f64>(), proptest::option::of(any::<i64>()))
        .prop_map(|(name, labels, value, timestamp)| Written { name, labels, value, timestamp })
}

proptest! {
    #[test]
    fn sink_reads_back_what_was_exposed(samples in proptest::collection::vec(written(), 0..20)) {
        let text: Vec<_> = samples.iter().map(Written::line).collect();
        let expected: Vec<_> = samples.iter().map(Written::expected).collect();
        prop_assert_eq!(relayed(text.join("\n").as_bytes()), expected);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
        relayed(&bytes);
    }

    #[test]
    fn no_line_of_typical_characters_causes_a_panic(text in "[a_{}\"\\\\=,#. 0-9é\n\t]{0,60}") {
        relayed(text.as_bytes());
    }

    #[test]
    fn halves_contain_the_whole_batch(samples in proptest::collection::vec(written(), 2..20)) {
        let origin = Origin::new(&ClusterName::new("paris").unwrap(), "node-1", JobLabel::Name);
        let text: Vec<_> = samples.iter().map(Written::line).collect();
        let text = text.join("\n");
        let mut parser = Parser::new(text.as_bytes());
        let mut builder = BatchBuilder::default();
        while let Some(line) = parser.next() {
            let sample = line.unwrap();
            let mut labels = Vec::new();
            origin.series(&sample, &mut labels);
            builder.push(&labels, sample.value, NOW);
        }
        let whole = builder.finish().unwrap();
        let (first, second) = whole.halves().unwrap();
        prop_assert_eq!(first.samples + second.samples, whole.samples);
        let both = [decode(&first.body), decode(&second.body)].concat();
        prop_assert_eq!(both, decode(&whole.body));
    }
}

#[test]
fn exposition_of_a_real_lxd_is_relayed_completely() {
    let text = include_bytes!("../../../exposition/tests/fixtures/lxd-5.0.txt");
    let series = relayed(text);
    assert_eq!(series.len(), 99);
    let labels: Vec<_> = series[0].labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = "__name__=lxd_cpu_seconds_total cpu=0 instance=node-1 job=paris member=node-1 mode=system \
                    name=web-1 project=default type=container";
    assert_eq!(labels.join(" "), expected);
    assert_eq!(series[0].samples, [(0.004_f64.to_bits(), NOW.0)]);
}
