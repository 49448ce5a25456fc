//! The bodies of the beats: everything but `memory_usage` is written once for a handful of different sites.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use bytes::{BufMut as _, Bytes, BytesMut};
use protocol::heartbeat::{Details, Load, StatusCount, StoragePoolUsage};
use time::OffsetDateTime;

use super::metrics_text::metrics_text;
use crate::client::{MetricsText, Report};

const VARIANTS: usize = 16;
/// Stands where the number of each beat goes; no other figure looks like it.
const PLACE: i64 = 8_765_432_109_876_543_210;
/// More than the numbers of the beats, which are microseconds since 1970 at their first.
const MEMORY_TOTAL: i64 = 1 << 52;

/// Makes bodies; each has its own `memory_usage`, greater than any before, in this run and in earlier ones.
#[derive(Debug)]
pub(super) struct Bodies {
    templates: Vec<(Bytes, Bytes)>,
    next: AtomicI64,
}

impl Bodies {
    pub(super) fn new(metrics_kb: usize) -> Self {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
        Self {
            templates: (0..VARIANTS).map(|variant| template(metrics_kb, variant)).collect(),
            next: AtomicI64::new(i64::try_from(now).unwrap_or_default()),
        }
    }

    /// A body for a site, and the `memory_usage` in it.
    pub(super) fn next(&self, site: usize) -> (Bytes, i64) {
        let number = self.next.fetch_add(1, Relaxed);
        let (head, tail) = &self.templates[site % VARIANTS];
        let mut body = BytesMut::with_capacity(head.len() + 20 + tail.len());
        body.put_slice(head);
        body.put_slice(number.to_string().as_bytes());
        body.put_slice(tail);
        (body.freeze(), number)
    }
}

fn template(metrics_kb: usize, variant: usize) -> (Bytes, Bytes) {
    let body = report(metrics_kb, variant).encode();
    let place = PLACE.to_string();
    let at = body.windows(place.len()).position(|window| window == place.as_bytes()).unwrap_or_default();
    (body.slice(..at), body.slice(at + place.len()..))
}

fn report(metrics_kb: usize, variant: usize) -> Report {
    let small = u32::try_from(variant).unwrap_or_default();
    let count = |status: &str, count| StatusCount { status: status.to_owned(), count };
    let load = |value: f64| Load::from_stored(format!("{value:.2}"));
    let pool = |name: &str, member: &str| StoragePoolUsage {
        name: name.to_owned(),
        member: member.to_owned(),
        total: 1 << 40,
        usage: (1 << 34) * (variant as u64 + 1),
    };
    let metrics = metrics_text(metrics_kb, variant);
    Report {
        details: Details {
            ceph_statuses: vec![],
            cpu_total_count: 0,
            cpu_load_1: load(0.25 + variant as f64 / 8.0),
            cpu_load_5: load(0.20 + variant as f64 / 8.0),
            cpu_load_15: load(0.15 + variant as f64 / 8.0),
            memory_total_amount: MEMORY_TOTAL,
            memory_usage: PLACE,
            storage_pool_usages: vec![
                pool("local", "micro1"),
                pool("local", "micro2"),
                pool("local", "micro3"),
                pool("remote", ""),
            ],
            member_statuses: vec![count("Online", 3)],
            instance_statuses: vec![count("Running", 10 + small), count("Stopped", small)],
            ui_url: format!("https://10.0.{variant}.1:8443"),
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
    fn every_body_is_a_heartbeat_with_a_greater_memory_usage() {
        let bodies = Bodies::new(4);
        let mut last = 0;
        for site in 0..40 {
            let (body, number) = bodies.next(site);
            let beat = protocol::Heartbeat::parse(&body).unwrap();
            assert_eq!(beat.details.memory_usage, number);
            assert!(number > last && number < MEMORY_TOTAL);
            assert_eq!(beat.metrics.len(), 1);
            last = number;
        }
    }
}
