//! How batches are gathered from a series of expositions.

use exposition::BadLine;

use super::*;
use crate::filter::Group;

const T: i64 = 1_800_000_000_000;

#[derive(Default)]
struct Pushed(Vec<(u16, Batch)>, Vec<u64>);

impl Output for Pushed {
    fn push(&mut self, shard: u16, batch: Batch, _owner: Option<&ClusterName>) {
        self.0.push((shard, batch));
    }

    fn complete(&mut self, expositions: &[u64]) {
        self.1.extend(expositions);
    }
}

impl Pushed {
    fn samples(&self) -> Vec<u32> {
        self.0.iter().map(|(_, batch)| batch.samples).collect()
    }
}

struct Fixture {
    next: u64,
    packer: Packer,
    counts: RelayCounts,
    out: Pushed,
}

impl Fixture {
    fn new(packing: Packing) -> Self {
        let counts = RelayCounts::default();
        Self {
            next: 0,
            packer: Packer::new(packing, counts.clone(), Excess::default()),
            counts,
            out: Pushed::default(),
        }
    }

    fn read(&mut self, cluster: &str, member: &str, at: i64, text: &str) {
        let exposition = Exposition {
            cluster: name(cluster),
            member: member.to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis(at),
            escaped: text.replace('"', "\\\"").replace('\n', "\\n").into(),
        };
        let received = Received { exposition, number: Some(self.next), report: 0 };
        self.packer.read(received, &mut self.out);
        self.next += 1;
    }

    fn flushed(&mut self) -> Vec<u32> {
        self.packer.flush(&mut self.out);
        let samples = self.out.samples();
        self.out.0.clear();
        samples
    }
}

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

fn one_shard() -> Packing {
    Packing { shards: 1, max_batch_samples: 100, ..Packing::default() }
}

fn lines(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|number| format!("m{{n=\"{number}\"}} 1")).collect();
    lines.join("\n")
}

#[test]
fn batch_contains_members_of_several_clusters() {
    let mut fixture = Fixture::new(one_shard());
    for cluster in ["paris", "rome"] {
        for member in ["a", "b"] {
            fixture.read(cluster, member, T, &lines(10));
        }
    }
    assert!(fixture.out.0.is_empty() && fixture.packer.is_gathering());
    assert_eq!(fixture.flushed(), [40]);
    assert!(!fixture.packer.is_gathering());
}

#[test]
fn full_batch_is_pushed_and_large_exposition_becomes_several_batches() {
    let mut fixture = Fixture::new(one_shard());
    fixture.read("paris", "a", T, &lines(250));
    assert_eq!(fixture.out.samples(), [100, 100]);
    assert_eq!(fixture.flushed(), [100, 100, 50]);
    let mut fixture = Fixture::new(Packing { max_batch_bytes: 200, ..one_shard() });
    fixture.read("paris", "a", T, &lines(4));
    assert!(fixture.flushed().len() >= 2);
}

#[test]
fn batch_contains_each_series_once() {
    let mut fixture = Fixture::new(one_shard());
    fixture.read("paris", "a", T, &lines(10));
    fixture.read("paris", "b", T, &lines(10));
    fixture.read("paris", "a", T + 1, &lines(10));
    assert_eq!(fixture.flushed(), [20, 10]);
}

#[test]
fn exposition_is_complete_when_all_its_samples_are_pushed() {
    let mut fixture = Fixture::new(one_shard());
    fixture.read("paris", "a", T, &lines(60));
    fixture.read("paris", "b", T, &lines(60));
    assert_eq!((fixture.out.samples(), &fixture.out.1[..]), (vec![100], &[0][..]));
    // The last sample of this exposition fills a batch, so nothing waits.
    fixture.read("paris", "c", T, &lines(80));
    assert_eq!((fixture.out.samples(), &fixture.out.1[..]), (vec![100, 100], &[0, 1, 2][..]));
    fixture.read("paris", "d", T, "nothing that can be parsed");
    assert_eq!(fixture.out.1, [0, 1, 2, 3]);
    // A batch contains each series once, so it is pushed before the next exposition of the same member.
    fixture.read("paris", "a", T + 1, &lines(10));
    fixture.read("paris", "a", T + 2, &lines(10));
    assert_eq!(fixture.out.1, [0, 1, 2, 3, 4]);
    fixture.flushed();
    assert_eq!(fixture.out.1, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn member_stays_in_its_shard() {
    let mut fixture = Fixture::new(Packing::default());
    for at in 0..5 {
        for member in 0..20 {
            fixture.read("paris", &member.to_string(), T + at, &lines(1));
        }
        fixture.packer.flush(&mut fixture.out);
    }
    let batches = &fixture.out.0;
    let shards: Vec<_> = batches[..4].iter().map(|(shard, _)| *shard).collect();
    assert_eq!(shards, [0, 1, 2, 3]);
    for later in batches.chunks(4) {
        let sizes = |batches: &[(u16, Batch)]| -> Vec<_> {
            batches.iter().map(|(shard, batch)| (*shard, batch.samples)).collect()
        };
        assert_eq!(sizes(later), sizes(&batches[..4]));
    }
}

#[test]
fn left_out_samples_are_counted() {
    let group = Group {
        name: "slow".to_owned(),
        matchers: vec!["slow".parse().unwrap()],
        interval: Duration::from_mins(5),
    };
    let rules = Rules { deny: vec!["no*".parse().unwrap()], groups: vec![group], ..Rules::default() };
    let mut fixture = Fixture::new(Packing { rules, ..one_shard() });
    let text = "slow 1\nfast 1\nno 1\n}{\nearly 1 1\nlate 1 9999999999999";
    let mut sizes = Vec::new();
    for minute in 0..=10 {
        fixture.read("paris", "a", T + minute * 60_000, text);
        sizes.extend(fixture.flushed());
    }
    assert_eq!(sizes, [2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2]);
    let counts = &fixture.counts;
    assert_eq!(counts.left_out(Cause::NotDue), 8);
    assert_eq!(counts.left_out(Cause::Filtered), 11);
    assert_eq!(counts.left_out(Cause::Implausible), 22);
    assert_eq!(counts.bad_lines(BadLine::Name), 11);
}

#[test]
fn repeated_series_of_an_exposition_is_relayed_once() {
    let mut fixture = Fixture::new(one_shard());
    for at in [T, T + 1] {
        fixture.read(
            "paris",
            "a",
            at,
            "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\",d=\"\"} 2\na{b=\"1\"} 3\na 4\na 4",
        );
    }
    assert_eq!(fixture.flushed(), [3, 3]);
    assert_eq!(fixture.counts.left_out(Cause::Repeated), 4);
}

#[test]
fn number_of_series_per_cluster_is_limited() {
    let mut fixture = Fixture::new(Packing { max_cluster_series: 150, ..one_shard() });
    fixture.read("paris", "a", T, &lines(200));
    assert_eq!(fixture.flushed(), [100, 50]);
    assert_eq!(fixture.counts.left_out(Cause::TooMany), 50);
}

#[test]
fn all_series_of_a_leaving_cluster_end_once() {
    let group = Group {
        name: "slow".to_owned(),
        matchers: vec!["slow".parse().unwrap()],
        interval: Duration::from_mins(5),
    };
    let rules = Rules { groups: vec![group], ..Rules::default() };
    let mut fixture = Fixture::new(Packing { rules, ..one_shard() });
    // The series of the group is in an earlier batch than the others, and one series ends before the others.
    fixture.read("paris", "a", T, "slow 1\nfast 1\ngone 1");
    fixture.read("rome", "b", T, &lines(5));
    fixture.packer.flush(&mut fixture.out);
    fixture.read("paris", "a", T + 60_000, "slow 1\nfast 1");
    fixture.packer.end(&name("paris"), UnixMillis(T + 70_000), &mut fixture.out);
    assert_eq!(fixture.flushed(), [8, 2, 2]);
    fixture.packer.end(&name("paris"), UnixMillis(T + 80_000), &mut fixture.out);
    assert_eq!(fixture.flushed(), [0; 0]);
}

#[test]
fn series_of_a_member_that_is_no_longer_reported_end() {
    let mut fixture = Fixture::new(one_shard());
    fixture.read("paris", "a", T, &lines(3));
    fixture.read("paris", "b", T, &lines(2));
    fixture.read("paris", "a", T + 300_000, &lines(3));
    fixture.flushed();
    fixture.packer.sweep(UnixMillis(T + 310_000), &mut fixture.out);
    assert_eq!(fixture.flushed(), [2]);
    assert_eq!(fixture.packer.silent_since(UnixMillis(T + 300_001)), [name("paris")]);
    // The cluster may report to another unit now, so it is forgotten without ending its series.
    fixture.packer.sweep(UnixMillis(T + 4_000_000), &mut fixture.out);
    assert_eq!(fixture.flushed(), [0; 0]);
    assert_eq!(fixture.packer.silent_since(UnixMillis(i64::MAX)), []);
}
