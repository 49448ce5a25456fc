//! The receiver of the clusters' metrics. The relay implements it; without a relay, they are only counted.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fleet::warning::Finding;
use store::clusters::EnrolledCluster;

/// One member's exposition, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberExposition {
    /// The member's name.
    pub member: String,
    /// The scraped service: `LXD`.
    pub service: String,
    /// The Prometheus text with JSON's escapes, but without its quotes. It is a slice of the heartbeat's body, which stays
    /// in memory as long as this slice: copy what is kept for longer, if it is a small part of the body.
    pub escaped: Bytes,
    /// The size of the body in bytes.
    pub body_bytes: usize,
}

/// Receives the metrics of a heartbeat that was stored. Must not block.
pub trait MetricsSink: Send + Sync {
    /// Accepts the metrics, or drops and counts them.
    fn accept(&self, cluster: &EnrolledCluster, metrics: Vec<MemberExposition>);

    /// What is wrong with the metrics of a cluster. Stored with its next heartbeat.
    fn findings(&self, _cluster: &EnrolledCluster) -> Vec<Finding> {
        Vec::new()
    }
}

/// Counts the metrics and discards them.
#[derive(Debug, Default)]
pub struct CountingSink {
    /// The number of expositions.
    pub expositions: AtomicU64,
    /// The size of the escaped texts in bytes.
    pub bytes: AtomicU64,
}

impl MetricsSink for CountingSink {
    fn accept(&self, _cluster: &EnrolledCluster, metrics: Vec<MemberExposition>) {
        let bytes: usize = metrics.iter().map(|member| member.escaped.len()).sum();
        self.expositions.fetch_add(metrics.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
