//! The bodies of heartbeats, built from a few templates in which only `memory_usage` changes.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use bytes::{BufMut as _, Bytes, BytesMut};
use protocol::heartbeat::{Details, Load, StatusCount, StoragePoolUsage};
use time::OffsetDateTime;

use super::exposition::exposition;
use crate::client::{MetricsText, Report};

const TEMPLATES: usize = 16;
/// The placeholder for `memory_usage` in templates. No other figure has this value.
const MEMORY_USAGE_PLACEHOLDER: i64 = 8_765_432_109_876_543_210;
/// Greater than any `memory_usage`, which starts as the microseconds since 1970.
const MEMORY_TOTAL: i64 = 1 << 52;

/// Makes bodies. Each has a `memory_usage` greater than all before, in this run and in earlier ones.
#[derive(Debug)]
pub(super) struct Bodies {
    templates: Vec<(Bytes, Bytes)>,
    next: AtomicI64,
}

impl Bodies {
    pub(super) fn new(metrics_kb: usize) -> Self {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
        Self {
            templates: (0..TEMPLATES).map(|variant| template(metrics_kb, variant)).collect(),
            next: AtomicI64::new(i64::try_from(now).unwrap_or_default()),
        }
    }

    /// A body for the cluster with this index, and its `memory_usage`.
    pub(super) fn next(&self, index: usize) -> (Bytes, i64) {
        let memory_usage = self.next.fetch_add(1, Relaxed);
        let (head, tail) = &self.templates[index % TEMPLATES];
        let mut body = BytesMut::with_capacity(head.len() + 20 + tail.len());
        body.put_slice(head);
        body.put_slice(memory_usage.to_string().as_bytes());
        body.put_slice(tail);
        (body.freeze(), memory_usage)
    }
}

/// The parts of a body before and after `memory_usage`.
fn template(metrics_kb: usize, variant: usize) -> (Bytes, Bytes) {
    let body = report(metrics_kb, variant).encode();
    let placeholder = MEMORY_USAGE_PLACEHOLDER.to_string();
    let start = body
        .windows(placeholder.len())
        .position(|window| window == placeholder.as_bytes())
        .unwrap_or_default();
    (body.slice(..start), body.slice(start + placeholder.len()..))
}

fn report(metrics_kb: usize, variant: usize) -> Report {
    let stopped = u32::try_from(variant).unwrap_or_default();
    let count = |status: &str, count| StatusCount { status: status.to_owned(), count };
    let load = |value: f64| Load::from_stored(format!("{value:.2}"));
    let pool = |name: &str, member: &str| StoragePoolUsage {
        name: name.to_owned(),
        member: member.to_owned(),
        total: 1 << 40,
        usage: (1 << 34) * (variant as u64 + 1),
    };
    let metrics = exposition(metrics_kb, variant);
    Report {
        details: Details {
            ceph_statuses: vec![],
            cpu_total_count: 0,
            cpu_load_1: load(0.25 + variant as f64 / 8.0),
            cpu_load_5: load(0.20 + variant as f64 / 8.0),
            cpu_load_15: load(0.15 + variant as f64 / 8.0),
            memory_total_amount: MEMORY_TOTAL,
            memory_usage: MEMORY_USAGE_PLACEHOLDER,
            storage_pool_usages: vec![
                pool("local", "micro1"),
                pool("local", "micro2"),
                pool("local", "micro3"),
                pool("remote", ""),
            ],
            member_statuses: vec![count("Online", 3)],
            instance_statuses: vec![count("Running", 10 + stopped), count("Stopped", stopped)],
            ui_url: format!("https://10.0.{variant}.1:8443"),
            cluster_uuid: format!("00000000-0000-4000-8000-{variant:012}"),
        },
        metrics: if metrics.is_empty() {
            vec![]
        } else {
            vec![MetricsText { member: "micro1".to_owned(), service: "LXD".to_owned(), metrics }]
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_body_has_a_greater_memory_usage() {
        let bodies = Bodies::new(4);
        let mut last = 0;
        for index in 0..40 {
            let (body, memory_usage) = bodies.next(index);
            let heartbeat = protocol::Heartbeat::parse(&body).unwrap();
            assert_eq!(heartbeat.details.memory_usage, memory_usage);
            assert!(memory_usage > last && memory_usage < MEMORY_TOTAL);
            assert_eq!(heartbeat.metrics.len(), 1);
            last = memory_usage;
        }
    }
}
