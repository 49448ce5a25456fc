//! Clusters that send far more than they may cost the others nothing.

use std::fmt::Write as _;

use crate::heartbeats::{config, sink_config, start_time};
use crate::sink::{Behaviour, Seen, TestSink};
use protocol::ClusterName;
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Budget, Exposition, Relay};

const HEAVY: usize = 6;
const HONEST: usize = 26;
const ROUNDS: i64 = 12;
const SERIES: usize = 20;
/// A heavy cluster may have this many series.
const MAX_SERIES: usize = 3000;

/// How many samples each series of an honest cluster has. Their names come after those of the heavy ones.
fn honest(seen: &Seen) -> Vec<usize> {
    let first = vec![("__name__".to_owned(), "metric".to_owned())];
    seen.stored.range(first..).map(|(_, samples)| samples.len()).collect()
}

fn report(relay: &Relay, cluster: &str, at: UnixMillis, text: &str) {
    let cluster = ClusterName::new(cluster).unwrap();
    let exposition = Exposition {
        cluster: cluster.clone(),
        member: "m".to_owned(),
        service: "LXD".to_owned(),
        received: at,
        escaped: text.replace('\n', "\\n").into(),
    };
    relay.accept_report(&cluster, at, [exposition]);
}

/// Series that were never seen before, with values that cannot be compressed.
fn heavy_text(series: usize) -> String {
    let mut text = String::new();
    for _ in 0..series {
        let random: u64 = rand::random();
        writeln!(text, "heavy_{random:x} {random}").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_clusters_lose_nothing_while_heavy_ones_flood_the_relay() {
    let sink = TestSink::start().await;
    let mut sink_config = sink_config("a", &sink);
    sink_config.memory_bytes = 1 << 20;
    let mut config = config(vec![sink_config]);
    config.packing.max_batch_samples = 1000;
    config.intake_bytes = 4 << 20;
    config.cluster_bytes = 2 << 20;
    config.packing.max_cluster_series = MAX_SERIES;
    config.packing.max_known_bytes = 1 << 20;
    let relay = Relay::start(config).unwrap();
    let start_at = UnixMillis(start_time());
    // Most of the time, the sink is away.
    sink.behave(Behaviour::Respond(503, None));
    let too_large = heavy_text(80_000);
    for round in 0..ROUNDS {
        let at = UnixMillis(start_at.0 + round * 10_000);
        for cluster in 0..HEAVY {
            // Larger than allowed, as large as allowed, and many at the same time.
            report(&relay, &format!("heavy {cluster}"), at, &too_large);
            let text = heavy_text(28_000);
            for _ in 0..3 {
                report(&relay, &format!("heavy {cluster}"), at, &text);
            }
        }
        let lines: Vec<_> = (0..SERIES).map(|series| format!("metric_{series} {round}")).collect();
        let text = lines.join("\n");
        for cluster in 0..HONEST {
            report(&relay, &format!("honest {cluster}"), at, &text);
        }
        // Returns when everything before it is in batches.
        relay.silent_since(UnixMillis(0)).await;
    }
    sink.behave(Behaviour::Accept);
    let all = HONEST * SERIES;
    sink.until(|seen| {
        let honest = honest(seen);
        honest.len() == all && honest.iter().all(|samples| *samples == usize::try_from(ROUNDS).unwrap())
    })
    .await;
    let counts = relay.counts();
    assert!(counts.expositions_dropped(Cause::ClusterBytes) >= (HEAVY as u64) * ROUNDS.unsigned_abs());
    assert!(counts.left_out(Cause::TooMany) > 0);
    assert!(counts.dropped("a", Cause::ClusterQueue) > 0);
    assert_eq!(counts.dropped("a", Cause::MemoryFull), 0);
    let exceeded = |name: &str| relay.exceeded(&ClusterName::new(name).unwrap());
    assert_eq!(exceeded("heavy 0")[..2], [Budget::Bytes, Budget::Series]);
    assert!((0..HEAVY).any(|cluster| exceeded(&format!("heavy {cluster}")).contains(&Budget::Queue)));
    assert!((0..HONEST).all(|cluster| exceeded(&format!("honest {cluster}")).is_empty()));
}
