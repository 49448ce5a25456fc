//! The numbers at the end.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

/// What a simulation measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Sites that were simulated.
    pub sites: u64,
    /// Joins that were answered with 200.
    pub joined: u64,
    /// How long joining took.
    pub join_seconds: f64,
    /// Joins a second.
    pub joins_per_second: f64,
    /// Joins that failed for good, by status or step.
    pub join_errors: BTreeMap<String, u64>,
    /// Beats that were answered with 200.
    pub beats: u64,
    /// How long beats were sent and waited for.
    pub seconds: f64,
    /// Beats a second.
    pub beats_per_second: f64,
    /// Beats that failed, by status or step.
    pub beat_errors: BTreeMap<String, u64>,
    /// Beats that were not sent since their site's last one was still under way.
    pub overlaps: u64,
    /// Beats that were due but not sent before the end, since too many were under way.
    pub unsent: u64,
    /// Beats that were spoilt on purpose, by kind.
    pub faults: BTreeMap<String, u64>,
    /// From the moment at which a beat was due to its answer: waiting, probe and call.
    pub whole: Latency,
    /// The call alone, from its connection's start to its answer.
    pub call: Latency,
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the usual names")]
pub struct Latency {
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Report {
    /// How many joins and beats failed.
    pub fn errors(&self) -> u64 {
        self.join_errors.values().chain(self.beat_errors.values()).sum()
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
        writeln!(f, "sites        {}", self.sites)?;
        if self.joined > 0 || !self.join_errors.is_empty() {
            let (joined, seconds, rate) = (self.joined, self.join_seconds, self.joins_per_second);
            writeln!(f, "joins        {joined} in {seconds:.1} s, {rate:.1}/s")?;
            write_counts(f, "join errors", &self.join_errors)?;
        }
        let (beats, seconds, rate) = (self.beats, self.seconds, self.beats_per_second);
        writeln!(f, "beats        {beats} in {seconds:.1} s, {rate:.1}/s")?;
        write_counts(f, "beat errors", &self.beat_errors)?;
        write_counts(f, "faults", &self.faults)?;
        if self.overlaps > 0 {
            writeln!(f, "not sent     {} (the site's last beat was still under way)", self.overlaps)?;
        }
        if self.unsent > 0 {
            writeln!(f, "not sent     {} (too many were under way until the end)", self.unsent)?;
        }
        if self.beats > 0 {
            writeln!(f, "\n{:<12} {:>9} {:>9} {:>9} {:>9} {:>9}", "ms", "mean", "p50", "p90", "p99", "max")?;
            write_latency(f, "from due", self.whole)?;
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
    writeln!(f, "{name:<12} {}", list.join(", "))
}

fn write_latency(f: &mut fmt::Formatter<'_>, name: &str, latency: Latency) -> fmt::Result {
    let Latency { mean_ms, p50_ms, p90_ms, p99_ms, max_ms } = latency;
    writeln!(f, "{name:<12} {mean_ms:>9.2} {p50_ms:>9.2} {p90_ms:>9.2} {p99_ms:>9.2} {max_ms:>9.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_well() {
        let report = Report {
            sites: 100,
            beats: 6000,
            seconds: 60.0,
            beats_per_second: 100.0,
            beat_errors: [("503".to_owned(), 2)].into(),
            whole: Latency { mean_ms: 1.25, p50_ms: 1.0, p90_ms: 2.0, p99_ms: 3.5, max_ms: 9.0 },
            ..Report::default()
        };
        insta::assert_snapshot!(report, @r"
        sites        100
        beats        6000 in 60.0 s, 100.0/s
        beat errors  503: 2

        ms                mean       p50       p90       p99       max
        from due          1.25      1.00      2.00      3.50      9.00
        call alone        0.00      0.00      0.00      0.00      0.00
        ");
        assert_eq!(report.errors(), 2);
    }
}
