//! A heartbeat's body as the client writes it: the contract's keys in their order, empty lists as `null` like Go.

use bytes::Bytes;
use protocol::heartbeat::{Details, Load, StatusCount, StoragePoolUsage};
use serde::{Serialize, Serializer};

/// What a cluster reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The figures.
    pub details: Details,
    /// Each member's metrics.
    pub metrics: Vec<MetricsText>,
}

/// One member's whole `/1.0/metrics` answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricsText {
    /// The member.
    pub member: String,
    /// What was scraped: `LXD`.
    pub service: String,
    /// The Prometheus text.
    pub metrics: String,
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(serialize_with = "null_if_empty")]
    ceph_statuses: &'a [StatusCount],
    cpu_total_count: i64,
    cpu_load_1: &'a Load,
    cpu_load_5: &'a Load,
    cpu_load_15: &'a Load,
    memory_total_amount: i64,
    memory_usage: i64,
    #[serde(serialize_with = "null_if_empty")]
    storage_pool_usages: &'a [StoragePoolUsage],
    #[serde(serialize_with = "null_if_empty")]
    member_statuses: &'a [StatusCount],
    #[serde(serialize_with = "null_if_empty")]
    instance_statuses: &'a [StatusCount],
    #[serde(serialize_with = "null_if_empty")]
    server_metrics: &'a [MetricsText],
    ui_url: &'a str,
}

impl Report {
    /// The body.
    pub fn encode(&self) -> Bytes {
        let details = &self.details;
        let wire = Wire {
            ceph_statuses: &details.ceph_statuses,
            cpu_total_count: details.cpu_total_count,
            cpu_load_1: &details.cpu_load_1,
            cpu_load_5: &details.cpu_load_5,
            cpu_load_15: &details.cpu_load_15,
            memory_total_amount: details.memory_total_amount,
            memory_usage: details.memory_usage,
            storage_pool_usages: &details.storage_pool_usages,
            member_statuses: &details.member_statuses,
            instance_statuses: &details.instance_statuses,
            server_metrics: &self.metrics,
            ui_url: &details.ui_url,
        };
        // Texts and numbers always serialize; an empty body would be refused by the hub, not taken for a report.
        serde_json::to_vec(&wire).unwrap_or_default().into()
    }
}

fn null_if_empty<S: Serializer, T: Serialize>(list: &&[T], serializer: S) -> Result<S::Ok, S::Error> {
    if list.is_empty() { serializer.serialize_none() } else { list.serialize(serializer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lists_are_null_and_the_keys_keep_their_order() {
        insta::assert_snapshot!(
            String::from_utf8(Report::default().encode().to_vec()).unwrap(),
            @r#"{"ceph_statuses":null,"cpu_total_count":0,"cpu_load_1":"","cpu_load_5":"","cpu_load_15":"","memory_total_amount":0,"memory_usage":0,"storage_pool_usages":null,"member_statuses":null,"instance_statuses":null,"server_metrics":null,"ui_url":""}"#
        );
    }

    #[test]
    fn the_hub_reads_what_is_written() {
        let report = Report {
            details: Details {
                member_statuses: vec![StatusCount { status: "Online".to_owned(), count: 3 }],
                cpu_load_1: Load::from_stored("0.25".to_owned()),
                memory_usage: 7,
                ..Details::default()
            },
            metrics: vec![MetricsText {
                member: "m1".to_owned(),
                service: "LXD".to_owned(),
                metrics: "# EOF\n".to_owned(),
            }],
        };
        let body = report.encode();
        let read = protocol::Heartbeat::parse(&body).unwrap();
        assert_eq!(read.details, report.details);
        assert_eq!(read.metrics[0].metrics, r"# EOF\n");
    }
}
