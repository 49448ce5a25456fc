//! The body of a heartbeat as MicroCloud writes it (contract 1.2): the same order of keys, empty lists as `null`.

use bytes::Bytes;
use protocol::heartbeat::{Details, Load, StatusCount, StoragePoolUsage};
use serde::{Serialize, Serializer};

/// The report of a heartbeat.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The figures of the cluster.
    pub details: Details,
    /// The expositions of the members.
    pub metrics: Vec<MetricsText>,
}

/// The exposition of one member: LXD's response to `GET /1.0/metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricsText {
    /// The member's name.
    pub member: String,
    /// The service that was scraped, always `LXD`.
    pub service: String,
    /// The exposition.
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
    lxd_url: &'a str,
    cluster_uuid: &'a str,
}

impl Report {
    /// Encodes the body of the heartbeat.
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
            lxd_url: &details.ui_url,
            cluster_uuid: &details.cluster_uuid,
        };
        // Strings and numbers always serialize. The hub would refuse an empty body.
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
    fn empty_lists_are_null_and_keys_are_in_order() {
        insta::assert_snapshot!(
            String::from_utf8(Report::default().encode().to_vec()).unwrap(),
            @r#"{"ceph_statuses":null,"cpu_total_count":0,"cpu_load_1":"","cpu_load_5":"","cpu_load_15":"","memory_total_amount":0,"memory_usage":0,"storage_pool_usages":null,"member_statuses":null,"instance_statuses":null,"server_metrics":null,"ui_url":"","lxd_url":"","cluster_uuid":""}"#
        );
    }

    #[test]
    fn hub_parses_the_encoded_report() {
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
        let parsed = protocol::Heartbeat::parse(&body).unwrap();
        assert_eq!(parsed.details, report.details);
        assert_eq!(parsed.metrics[0].metrics, r"# EOF\n");
    }
}
