//! Every series that ends has exactly one end marker, and no other series has one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::filter::Group;
use crate::remote_write::STALE_NAN;

#[path = "../../tests/it/wire.rs"]
mod wire;

const T: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;

/// What a sink received: for each series its samples, in order.
#[derive(Default)]
struct Received(BTreeMap<String, Vec<(u64, i64)>>);

impl Output for Received {
    fn push(&mut self, _shard: u16, batch: Batch, _owner: Option<&ClusterName>) {
        let mut in_batch = BTreeSet::new();
        for series in wire::decode(&batch.body) {
            let labels: Vec<_> =
                series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let labels = labels.join(" ");
            assert!(in_batch.insert(labels.clone()), "{labels} is twice in a batch");
            self.0.entry(labels).or_default().extend(series.samples);
        }
    }

    fn complete(&mut self, _expositions: &[u64]) {}
}

impl Received {
    /// The series whose last sample is not the end marker.
    fn alive(&self) -> BTreeSet<String> {
        let alive =
            self.0.iter().filter(|(_, samples)| samples.last().is_none_or(|last| last.0 != STALE_NAN));
        alive.map(|(labels, _)| labels.clone()).collect()
    }

    /// How many end markers a series has.
    fn ends(&self, labels: &str) -> usize {
        self.0[labels].iter().filter(|(bits, _)| *bits == STALE_NAN).count()
    }

    fn check(&self) {
        for (labels, samples) in &self.0 {
            for pair in samples.windows(2) {
                assert!(pair[0].1 < pair[1].1, "{labels} is not in order: {samples:?}");
                assert!(pair[0].0 != STALE_NAN || pair[1].0 != STALE_NAN, "{labels} ended twice");
            }
            assert_ne!(samples[0].0, STALE_NAN, "{labels} ended before it began");
        }
    }
}

struct Fixture {
    packer: Packer,
    out: Received,
    report: u64,
}

/// The members of a report with their services and series.
type Exposed = BTreeMap<(&'static str, &'static str), BTreeSet<u8>>;

impl Fixture {
    fn new(packing: Packing) -> Self {
        let packer = Packer::new(packing, RelayCounts::default(), Excess::default());
        Self { packer, out: Received::default(), report: 0 }
    }

    fn read(&mut self, cluster: &str, member: &str, service: &str, at: i64, text: &str) {
        let exposition = Exposition {
            cluster: ClusterName::new(cluster).unwrap(),
            member: member.to_owned(),
            service: service.to_owned(),
            received: UnixMillis(at),
            escaped: text.replace('"', "\\\"").replace('\n', "\\n").into(),
        };
        let received = super::Received { exposition, number: None, report: self.report };
        self.packer.read(received, &mut self.out);
    }

    /// Reads a whole report.
    fn report(&mut self, cluster: &str, at: i64, exposed: &Exposed) {
        self.report += 1;
        for ((member, service), series) in exposed {
            let lines: Vec<_> = series.iter().map(|number| format!("m{{n=\"{number}\"}} {at}")).collect();
            self.read(cluster, member, service, at, &lines.join("\n"));
        }
        let cluster = ClusterName::new(cluster).unwrap();
        self.packer.complete(&cluster, self.report, UnixMillis(at), &mut self.out);
    }

    fn flushed(&mut self) -> BTreeSet<String> {
        self.packer.flush(&mut self.out);
        self.out.check();
        self.out.alive()
    }
}

fn labels(cluster: &str, member: &str, number: u8) -> String {
    format!("__name__=m instance={member} job={cluster} member={member} n={number}")
}

fn packing() -> Packing {
    Packing { shards: 2, max_batch_samples: 7, ..Packing::default() }
}

#[test]
fn instance_that_is_gone_ends_with_the_next_exposition() {
    let mut fixture = Fixture::new(packing());
    fixture.read(
        "paris",
        "m1",
        "LXD",
        T,
        "up{name=\"stays\"} 1\nup{name=\"goes\"} 1\nup{name=\"stays too\"} 1",
    );
    fixture.read("paris", "m2", "LXD", T, "up{name=\"goes\"} 1");
    assert_eq!(fixture.flushed().len(), 4);
    for at in 1..4 {
        let at = T + at * MINUTE;
        fixture.read("paris", "m1", "LXD", at, "up{name=\"stays\"} 1\nup{name=\"stays too\"} 1");
        fixture.read("paris", "m2", "LXD", at, "up{name=\"goes\"} 1");
        assert_eq!(fixture.flushed().len(), 3);
    }
    let gone = "__name__=up instance=m1 job=paris member=m1 name=goes";
    assert_eq!(fixture.out.0[gone], [(1_f64.to_bits(), T), (STALE_NAN, T + MINUTE)]);
}

#[test]
fn instance_that_moves_ends_where_it_was_and_may_return() {
    let mut fixture = Fixture::new(packing());
    let line = "up{name=\"moves\"} 1";
    for (minute, [m1, m2]) in [(0, [line, ""]), (1, ["", line]), (2, [line, ""]), (3, [line, ""])] {
        fixture.read("paris", "m1", "LXD", T + minute * MINUTE, m1);
        fixture.read("paris", "m2", "LXD", T + minute * MINUTE, m2);
        assert_eq!(fixture.flushed().len(), 1);
    }
    let ends = ["m1", "m2"].map(|member| {
        fixture.out.ends(&format!("__name__=up instance={member} job=paris member={member} name=moves"))
    });
    assert_eq!(ends, [1, 1]);
}

#[test]
fn all_series_of_an_exposition_that_cannot_be_read_end() {
    let mut fixture = Fixture::new(packing());
    let texts = [("a 1\nb 1", 2), ("a 1\nb b", 1), ("<html>502</html>", 0), ("", 0), ("a 1", 1)];
    for ((text, alive), minute) in texts.into_iter().zip(0..) {
        fixture.read("paris", "m1", "LXD", T + minute * MINUTE, text);
        assert_eq!(fixture.flushed().len(), alive, "{text}");
    }
}

#[test]
fn series_of_a_group_that_is_not_due_ends_at_once_and_only_if_it_was_relayed() {
    let group = Group {
        name: "slow".to_owned(),
        matchers: vec!["slow".parse().unwrap()],
        interval: Duration::from_mins(5),
    };
    let rules = Rules { deny: vec!["no*".parse().unwrap()], groups: vec![group], ..Rules::default() };
    let mut fixture = Fixture::new(Packing { rules, ..packing() });
    let texts = [
        "fast 1\nslow{n=\"1\"} 1\nslow{n=\"2\"} 1\nno 1",
        // The third one is not relayed yet, and neither is the fourth, ever.
        "fast 1\nslow{n=\"1\"} 1\nslow{n=\"2\"} 1\nslow{n=\"3\"} 1\nslow{n=\"4\"} 1",
        "slow{n=\"1\"} 1\nslow{n=\"3\"} 1",
        "slow{n=\"1\"} 1\nslow{n=\"3\"} 1",
        "slow{n=\"1\"} 1\nslow{n=\"3\"} 1",
        "slow{n=\"1\"} 1\nslow{n=\"3\"} 1",
    ];
    let alive = texts.into_iter().zip(0..).map(|(text, minute)| {
        fixture.read("paris", "m1", "LXD", T + minute * MINUTE, text);
        fixture.flushed().len()
    });
    assert_eq!(alive.collect::<Vec<_>>(), [3, 3, 1, 1, 1, 2]);
    assert_eq!(fixture.out.0.len(), 4);
}

#[test]
fn series_with_a_timestamp_of_its_own_ends_after_it() {
    let mut fixture = Fixture::new(packing());
    fixture.read("paris", "m1", "LXD", T, &format!("a 1 {}\nb 1", T + 5 * MINUTE));
    fixture.read("paris", "m1", "LXD", T + MINUTE, "c 1");
    assert_eq!(fixture.flushed().len(), 1);
}

#[test]
fn end_markers_of_a_cluster_that_sends_much_are_in_its_own_batches() {
    struct Owners(Vec<Option<String>>);
    impl Output for Owners {
        fn push(&mut self, _shard: u16, _batch: Batch, owner: Option<&ClusterName>) {
            self.0.push(owner.map(|owner| owner.as_str().to_owned()));
        }
        fn complete(&mut self, _expositions: &[u64]) {}
    }
    let mut packer =
        Packer::new(Packing { shards: 1, ..Packing::default() }, RelayCounts::default(), Excess::default());
    let mut out = Owners(Vec::new());
    let mut read = |packer: &mut Packer, cluster: &str, minute: i64, text: &str| {
        let cluster = ClusterName::new(cluster).unwrap();
        let exposition = Exposition {
            cluster,
            member: "m".to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis(T + minute * MINUTE),
            escaped: text.replace('\n', "\\n").into(),
        };
        packer.read(super::Received { exposition, number: None, report: 0 }, &mut out);
    };
    let much: Vec<_> = (0..40_000).map(|number| format!("metric_with_a_long_name_{number} 1")).collect();
    read(&mut packer, "small", 0, "a 1");
    read(&mut packer, "heavy", 0, &much.join("\n"));
    read(&mut packer, "small too", 0, "a 1");
    read(&mut packer, "heavy", 1, "a 1");
    packer.end(&ClusterName::new("heavy").unwrap(), UnixMillis(T + 2 * MINUTE), &mut out);
    packer.end(&ClusterName::new("small").unwrap(), UnixMillis(T + 2 * MINUTE), &mut out);
    packer.flush(&mut out);
    let shared = out.0.iter().filter(|owner| owner.is_none()).count();
    assert_eq!(shared, 2, "{:?}", out.0);
    assert!(out.0.len() > 16 && out.0.iter().flatten().all(|owner| owner == "heavy"));
}

#[derive(Debug, Clone)]
enum Step {
    Report(&'static str, Exposed),
    End(&'static str),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let cluster = || prop_oneof![Just("paris"), Just("rome")];
    let service =
        (prop_oneof![Just("m1"), Just("m2"), Just("m3")], prop_oneof![4 => Just("LXD"), 1 => Just("other")]);
    let series = proptest::collection::btree_set(0_u8..12, 0..12);
    let exposed = proptest::collection::btree_map(service, series, 0..4);
    prop_oneof![
        20 => (cluster(), exposed).prop_map(|(cluster, exposed)| Step::Report(cluster, exposed)),
        1 => cluster().prop_map(Step::End),
        1 => Just(Step::Sweep),
    ]
}

proptest! {
    #[test]
    fn every_series_that_ends_has_exactly_one_end_marker(
        steps in proptest::collection::vec((step(), 100..90_000_i64), 1..30)
    ) {
        let mut fixture = Fixture::new(packing());
        let mut alive: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut at = T;
        for (step, pause) in steps {
            at += pause;
            match step {
                Step::Report(cluster, exposed) => {
                    fixture.report(cluster, at, &exposed);
                    let series = exposed.iter().flat_map(|((member, _), series)| {
                        series.iter().map(|number| labels(cluster, member, *number))
                    });
                    alive.insert(cluster, series.collect());
                }
                Step::End(cluster) => {
                    fixture.packer.end(&ClusterName::new(cluster).unwrap(), UnixMillis(at), &mut fixture.out);
                    alive.remove(cluster);
                }
                Step::Sweep => fixture.packer.sweep(UnixMillis(at), &mut fixture.out),
            }
            let expected: BTreeSet<String> = alive.values().flatten().cloned().collect();
            prop_assert_eq!(fixture.flushed(), expected);
        }
    }
}
