//! Where the sites' metrics go. The relay implements it; until then they are counted.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use store::clusters::EnrolledCluster;

/// One member's whole exposition, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteMetrics {
    /// The member.
    pub member: String,
    /// What was scraped: `LXD`.
    pub service: String,
    /// The Prometheus text without its JSON quotes, still escaped: a slice of the heartbeat's body, which stays in
    /// memory as long as this does.
    pub escaped: Bytes,
}

/// Takes the metrics of a heartbeat that was stored. It must not block: whoever is slow behind it is its own affair.
pub trait MetricsSink: Send + Sync {
    /// Takes them, or drops them and counts that.
    fn accept(&self, cluster: &EnrolledCluster, metrics: Vec<SiteMetrics>);
}

/// Counts what it is given.
#[derive(Debug, Default)]
pub struct CountingSink {
    /// Expositions that came.
    pub expositions: AtomicU64,
    /// Their bytes, escaped.
    pub bytes: AtomicU64,
}

impl MetricsSink for CountingSink {
    fn accept(&self, _cluster: &EnrolledCluster, metrics: Vec<SiteMetrics>) {
        let bytes: usize = metrics.iter().map(|member| member.escaped.len()).sum();
        self.expositions.fetch_add(metrics.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
