//! The final report.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The results of a simulation. The keys of its JSON form are published: renamed fields keep their old names there.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The number of simulated clusters.
    #[serde(rename = "sites")]
    pub clusters: u64,
    /// The number of joins with a 200 response.
    pub joined: u64,
    /// The time that all joins took, in seconds.
    pub join_seconds: f64,
    /// The number of joins per second.
    pub joins_per_second: f64,
    /// The number of failed joins, by status or step.
    pub join_errors: BTreeMap<String, u64>,
    /// The number of heartbeats with a 200 response.
    #[serde(rename = "beats")]
    pub heartbeats: u64,
    /// The time from the first heartbeat to the last response, in seconds.
    pub seconds: f64,
    /// The number of heartbeats per second.
    #[serde(rename = "beats_per_second")]
    pub heartbeats_per_second: f64,
    /// The number of failed heartbeats, by status or step.
    #[serde(rename = "beat_errors")]
    pub heartbeat_errors: BTreeMap<String, u64>,
    /// The number of heartbeats not sent because the last one of their cluster was still in flight.
    pub overlaps: u64,
    /// The number of heartbeats that were due but not sent before the end, because too many were in flight.
    pub unsent: u64,
    /// The number of injected faults, by kind.
    pub faults: BTreeMap<String, u64>,
    /// The latency from the time at which a heartbeat was due to its response: wait, probe and call.
    #[serde(rename = "whole")]
    pub from_due: Latency,
    /// The latency of the call alone, from the start of its connection to its response.
    pub call: Latency,
}

/// A distribution of latencies, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the usual ones")]
pub struct Latency {
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Report {
    /// The number of failed joins and heartbeats.
    pub fn errors(&self) -> u64 {
        self.join_errors.values().chain(self.heartbeat_errors.values()).sum()
    }
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            mean_ms: histogram.mean() / 1000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            max_ms: histogram.max() as f64 / 1000.0,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "clusters          {}", self.clusters)?;
        if self.joined > 0 || !self.join_errors.is_empty() {
            let (joined, seconds, rate) = (self.joined, self.join_seconds, self.joins_per_second);
            writeln!(f, "joins             {joined} in {seconds:.1} s, {rate:.1}/s")?;
            write_counts(f, "join errors", &self.join_errors)?;
        }
        let (heartbeats, seconds, rate) = (self.heartbeats, self.seconds, self.heartbeats_per_second);
        writeln!(f, "heartbeats        {heartbeats} in {seconds:.1} s, {rate:.1}/s")?;
        write_counts(f, "heartbeat errors", &self.heartbeat_errors)?;
        write_counts(f, "faults", &self.faults)?;
        if self.overlaps > 0 {
            writeln!(
                f,
                "not sent          {} (last heartbeat of the cluster still in flight)",
                self.overlaps
            )?;
        }
        if self.unsent > 0 {
            writeln!(f, "not sent          {} (too many in flight until the end)", self.unsent)?;
        }
        if self.heartbeats > 0 {
            writeln!(f, "\n{:<17} {:>9} {:>9} {:>9} {:>9} {:>9}", "ms", "mean", "p50", "p90", "p99", "max")?;
            write_latency(f, "from due time", self.from_due)?;
            write_latency(f, "call alone", self.call)?;
        }
        Ok(())
    }
}

fn write_counts(f: &mut fmt::Formatter<'_>, name: &str, counts: &BTreeMap<String, u64>) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    writeln!(f, "{name:<17} {}", list.join(", "))
}

fn write_latency(f: &mut fmt::Formatter<'_>, name: &str, latency: Latency) -> fmt::Result {
    let Latency { mean_ms, p50_ms, p90_ms, p99_ms, max_ms } = latency;
    writeln!(f, "{name:<17} {mean_ms:>9.2} {p50_ms:>9.2} {p90_ms:>9.2} {p99_ms:>9.2} {max_ms:>9.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_is_printed_as_a_table() {
        let report = Report {
            clusters: 100,
            heartbeats: 6000,
            seconds: 60.0,
            heartbeats_per_second: 100.0,
            heartbeat_errors: [("503".to_owned(), 2)].into(),
            from_due: Latency { mean_ms: 1.25, p50_ms: 1.0, p90_ms: 2.0, p99_ms: 3.5, max_ms: 9.0 },
            ..Report::default()
        };
        insta::assert_snapshot!(report, @r"
        clusters          100
        heartbeats        6000 in 60.0 s, 100.0/s
        heartbeat errors  503: 2

        ms                     mean       p50       p90       p99       max
        from due time          1.25      1.00      2.00      3.50      9.00
        call alone             0.00      0.00      0.00      0.00      0.00
        ");
        assert_eq!(report.errors(), 2);
    }
}
