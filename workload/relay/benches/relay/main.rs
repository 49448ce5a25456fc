//! The cost of a sample in the relay: `cargo bench -p relay`.
//!
//! The input is the exposition of a real LXD, scaled to 1,000 instances. Everything runs on one core, including the sink,
//! which discards what it reads. The figures go to `target/bench/relay.json`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for measuring")]

mod discarding_sink;
mod scaled;

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use discarding_sink::DiscardingSink;
use exposition::{Parser, unescape};
use protocol::ClusterName;
use relay::labels::{JobLabel, Origin};
use relay::remote_write::BatchBuilder;
use relay::time::UnixMillis;
use relay::{Config, Credentials, Endpoint, Exposition, Relay, SinkConfig};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const INSTANCES: usize = 1000;
/// The number of members that report together.
const MEMBERS: u32 = 20;
/// Each figure is the best of these rounds, because other load on the machine can only make it slower.
const ROUNDS: usize = 7;

fn main() {
    // `cargo test` runs benches too, without this flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    stay_on_one_core();
    let text = scaled::exposition(INSTANCES);
    let escaped = scaled::escaped(&text);
    let samples = samples_in(text.as_bytes());
    println!("{samples} samples, {} bytes, {} of them as JSON", text.len(), escaped.len());

    let parse = best(samples, || samples_in(text.as_bytes()));
    let mut plain = Vec::new();
    let unescape_and_parse = best(samples, || {
        plain.clear();
        unescape(escaped.as_bytes(), &mut plain);
        samples_in(&plain)
    });
    let origin = Origin::new(&ClusterName::new("paris-1").unwrap(), "node-1", JobLabel::Name);
    let mut builder = BatchBuilder::default();
    let encode = best(samples, || {
        plain.clear();
        unescape(escaped.as_bytes(), &mut plain);
        encoded(&plain, &origin, &mut builder)
    });
    println!("parse:                                  {parse}");
    println!("unescape, parse:                        {unescape_and_parse}");
    println!("unescape, parse, label, encode, Snappy: {encode}");

    let sink = DiscardingSink::start();
    let body: Bytes = escaped.into_bytes().into();
    let relayed = Relayed::start(&sink, body, samples);
    let relay = best(samples * MEMBERS, || relayed.report(MEMBERS));
    let bytes_per_sample = sink.bytes() as f64 / relayed.relay.counts().sent("local") as f64;
    println!("all of it, up to a local sink:          {relay}");
    println!("                                        {bytes_per_sample:.1} bytes a sample, sent");
    // Each exposition has another instance than the one before, so all series of one instance end and as many begin.
    let mut others = [text.clone(), text.replace("instance-0500", "another-one")]
        .map(|text| scaled::escaped(&text).into());
    let instance = samples / u32::try_from(INSTANCES).unwrap();
    let changing = best((samples + instance) * MEMBERS, || {
        others.rotate_left(1);
        relayed.report_another(&others[0], MEMBERS, samples + instance)
    });
    println!("the same with other series each time:   {changing}");
    write_figures(&parse, &relay, bytes_per_sample);
}

/// A relay whose sink is on this machine.
struct Relayed {
    relay: Relay,
    escaped: Bytes,
    samples: u32,
}

impl Relayed {
    fn start(sink: &DiscardingSink, escaped: Bytes, samples: u32) -> Self {
        let endpoint = Endpoint {
            url: format!("http://{}/api/v1/write", sink.address()).parse().unwrap(),
            extra_ca_pem: None,
            credentials: Credentials::None,
            timeout: Duration::from_secs(30),
        };
        let mut config = Config::new(vec![SinkConfig::new("local", endpoint)]);
        // Short, because the last batches of a round would wait for more samples, and waiting is not measured.
        config.packing.linger = Duration::from_millis(20);
        // All members report at once, which is much for one cluster.
        config.intake_bytes = 1 << 30;
        config.cluster_bytes = 1 << 30;
        config.packing.max_cluster_series = usize::MAX;
        config.packing.max_known_bytes = 1 << 30;
        let relay = Relay::start(config).unwrap();
        Self { relay, escaped, samples }
    }

    /// Hands over the expositions of this many members, and waits until the sink has all their samples.
    fn report(&self, members: u32) -> u32 {
        self.report_another(&self.escaped, members, self.samples)
    }

    /// The same with another text that leads to this many samples.
    fn report_another(&self, escaped: &Bytes, members: u32, samples: u32) -> u32 {
        let sent = self.relay.counts().sent("local");
        for member in 0..members {
            self.relay.accept(Exposition {
                cluster: ClusterName::new("paris-1").unwrap(),
                member: format!("node-{member}"),
                service: "LXD".to_owned(),
                received: UnixMillis::now(),
                escaped: escaped.clone(),
            });
        }
        let all = sent + u64::from(members * samples);
        while self.relay.counts().sent("local") < all {
            std::thread::sleep(Duration::from_micros(500));
        }
        members * samples
    }
}

fn write_figures(parse: &Cost, relay: &Cost, bytes_per_sample: f64) {
    let figures = serde_json::json!({
        "parse_samples_per_s": parse.samples_per_second.round(),
        "relay_samples_per_s": relay.samples_per_second.round(),
        "parse_samples_per_cpu_s": parse.samples_per_cpu_second.round(),
        "relay_samples_per_cpu_s": relay.samples_per_cpu_second.round(),
        "allocs_per_sample": relay.allocations_per_sample,
        "sent_bytes_per_sample": bytes_per_sample,
    });
    // The target directory of the workspace, wherever it is.
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench");
    std::fs::create_dir_all(&target).unwrap();
    let file = target.join("relay.json");
    std::fs::write(&file, format!("{figures:#}\n")).unwrap();
    println!("{}", file.display());
}

/// The cost of one step.
struct Cost {
    per_sample: Duration,
    samples_per_second: f64,
    /// Per second of CPU time, independent of other load on the machine.
    samples_per_cpu_second: f64,
    allocations_per_sample: f64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { per_sample, samples_per_second, samples_per_cpu_second, allocations_per_sample } = self;
        write!(f, "{per_sample:?} a sample, {samples_per_second:.0} samples/s, ")?;
        write!(f, "{samples_per_cpu_second:.0} a second of CPU, ")?;
        write!(f, "{allocations_per_sample:.5} allocations a sample")
    }
}

fn best(samples: u32, mut step: impl FnMut() -> u32) -> Cost {
    let (mut best, mut best_cpu) = (Duration::MAX, Duration::MAX);
    let mut allocations = 0;
    for _ in 0..ROUNDS {
        let region = Region::new(ALLOCATOR);
        let (begun, cpu_before) = (Instant::now(), cpu_time());
        assert_eq!(black_box(step()), samples);
        best = best.min(begun.elapsed());
        best_cpu = best_cpu.min(cpu_time().saturating_sub(cpu_before));
        let change = region.change();
        allocations = change.allocations + change.reallocations;
    }
    let count = f64::from(samples);
    Cost {
        per_sample: best / samples,
        samples_per_second: count / best.as_secs_f64(),
        samples_per_cpu_second: count / best_cpu.as_secs_f64(),
        allocations_per_sample: allocations as f64 / count,
    }
}

fn samples_in(text: &[u8]) -> u32 {
    let mut parser = Parser::new(text);
    let mut samples = 0;
    while let Some(line) = parser.next() {
        black_box(line.unwrap());
        samples += 1;
    }
    samples
}

fn encoded(text: &[u8], origin: &Origin, builder: &mut BatchBuilder) -> u32 {
    let mut parser = Parser::new(text);
    let mut labels = Vec::new();
    let mut samples = 0;
    while let Some(line) = parser.next() {
        let sample = line.unwrap();
        origin.series(&sample, &mut labels);
        builder.push(&labels, sample.value, UnixMillis(1_800_000_000_000));
        if builder.samples() == 5000 {
            samples += builder.finish().unwrap().samples;
        }
        labels.clear();
    }
    samples + builder.finish().map_or(0, |batch| batch.samples)
}

/// The CPU time of all threads, in user and kernel mode.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

fn stay_on_one_core() {
    let mut one = rustix::thread::CpuSet::new();
    one.set(rustix::thread::sched_getcpu());
    rustix::thread::sched_setaffinity(None, &one).expect("a core to stay on");
}
