//! A cluster as it is printed: everything that is known of it, and the judgement over it.

use fleet::health::in_words;
use fleet::percent::share_rounded_up;
use fleet::{Cluster, Health, HealthRules, ServiceClock, Warning};
use protocol::heartbeat::{StatusCount, StoragePoolUsage};
use serde::{Serialize, Serializer};

use crate::output::{bytes, moment, one_line};

/// A cluster with its health and warnings.
pub struct ClusterView<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// How it stands.
    pub health: Health,
    /// What is wrong with it, worst first.
    pub warnings: Vec<Warning>,
}

impl<'a> ClusterView<'a> {
    /// Judges the cluster.
    pub fn new(cluster: &'a Cluster, rules: &HealthRules, clock: &ServiceClock) -> Self {
        let health = cluster.health(rules, clock);
        let warnings = cluster.warnings(&health, clock);
        Self { cluster, health, warnings }
    }

    /// All of it, for people.
    pub fn describe(&self, clock: &ServiceClock) -> String {
        let Cluster { details, thresholds, liveness, .. } = self.cluster;
        let ago = |at| format!("{} ago ({})", in_words(clock.now - at), moment(at));
        let since = in_words(clock.now - self.health.since);
        let mut lines = vec![
            ("Name", one_line(self.cluster.name.as_str())),
            ("Description", one_line(&self.cluster.description)),
            ("Health", format!("{}, for {since}", self.health.state.as_str())),
        ];
        lines.extend(self.health.reasons.iter().map(|reason| ("", reason.clone())));
        let heading = |index| if index == 0 { "Warnings" } else { "" };
        let warnings = self.warnings.iter().enumerate().map(|(index, warning)| {
            let for_long = in_words(clock.now - warning.since);
            (
                heading(index),
                format!("{}: {}, for {for_long}", warning.severity.as_str(), one_line(&warning.text)),
            )
        });
        lines.extend(warnings);
        lines.extend([
            ("Last heartbeat", liveness.last_heartbeat_at.map_or_else(|| "never".to_owned(), ago)),
            ("Members", counts(&details.member_statuses)),
            ("Instances", counts(&details.instance_statuses)),
            ("Ceph", counts(&details.ceph_statuses)),
            ("CPU", cpu(self.cluster)),
            ("Memory", used(details.memory_usage.unsigned_abs(), details.memory_total_amount.unsigned_abs())),
        ]);
        lines
            .extend(details.storage_pool_usages.iter().enumerate().map(|(index, pool)| storage(index, pool)));
        lines.extend([
            ("Thresholds", format!("storage {}, memory {}", thresholds.disk, thresholds.memory)),
            ("Web UI", one_line(&details.ui_url)),
            ("Certificate", self.cluster.fingerprint.to_string()),
            ("", format!("valid until {}", moment(self.cluster.certificate_validity.1))),
            ("Joined", ago(self.cluster.joined_at)),
            ("UID", self.cluster.uid.to_string()),
        ]);
        lines
            .iter()
            .map(|(label, text)| format!("{label:<15} {text}").trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// A share in whole percent; a dash for a share of nothing.
pub fn share(usage: u64, total: u64) -> String {
    if total == 0 { "-".to_owned() } else { format!("{} %", share_rounded_up(usage, total)) }
}

fn used(usage: u64, total: u64) -> String {
    if total == 0 {
        return "-".to_owned();
    }
    format!("{} of {}, {}", bytes(usage), bytes(total), share(usage, total))
}

fn counts(list: &[StatusCount]) -> String {
    if list.is_empty() {
        return "-".to_owned();
    }
    list.iter()
        .map(|entry| format!("{} {}", entry.count, one_line(&entry.status)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn cpu(cluster: &Cluster) -> String {
    let details = &cluster.details;
    let loads = [&details.cpu_load_1, &details.cpu_load_5, &details.cpu_load_15]
        .map(protocol::heartbeat::Load::as_str);
    let loads = if loads.concat().is_empty() { "-".to_owned() } else { format!("load {}", loads.join(", ")) };
    match details.cpu_total_count {
        0 => loads,
        count => format!("{count} CPUs, {loads}"),
    }
}

fn storage(index: usize, pool: &StoragePoolUsage) -> (&'static str, String) {
    let place =
        if pool.member.is_empty() { "shared".to_owned() } else { format!("on {}", one_line(&pool.member)) };
    let label = if index == 0 { "Storage" } else { "" };
    (label, format!("{} {place}: {}", one_line(&pool.name), used(pool.usage, pool.total)))
}

impl Serialize for ClusterView<'_> {
    /// The API's names (contract section 2), with health and warnings beside them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Certificate {
            fingerprint: String,
            not_before: String,
            not_after: String,
        }
        #[derive(Serialize)]
        struct Flat<'a> {
            uid: String,
            name: &'a str,
            description: &'a str,
            status: &'a str,
            health: &'a Health,
            warnings: &'a [Warning],
            #[serde(flatten)]
            thresholds: fleet::Thresholds,
            member_count: i32,
            instance_count: i32,
            ceph_count: i32,
            #[serde(flatten)]
            details: &'a protocol::heartbeat::Details,
            certificate: Certificate,
            joined_at: String,
            created_at: String,
            last_status_update_at: String,
        }
        let cluster = self.cluster;
        let (not_before, not_after) = cluster.certificate_validity;
        Flat {
            uid: cluster.uid.to_string(),
            name: cluster.name.as_str(),
            description: &cluster.description,
            status: &cluster.status,
            health: &self.health,
            warnings: &self.warnings,
            thresholds: cluster.thresholds,
            member_count: cluster.details.member_count(),
            instance_count: cluster.details.instance_count(),
            ceph_count: cluster.details.ceph_count(),
            details: &cluster.details,
            certificate: Certificate {
                fingerprint: cluster.fingerprint.to_string(),
                not_before: moment(not_before),
                not_after: moment(not_after),
            },
            joined_at: moment(cluster.joined_at),
            created_at: moment(cluster.created_at),
            last_status_update_at: moment(cluster.last_status_update_at()),
        }
        .serialize(serializer)
    }
}
