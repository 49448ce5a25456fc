//! A cluster as text.

use api::{Cluster, StatusCount, StoragePoolUsage};
use fleet::health::in_words;
use fleet::percent::share_rounded_up;
use time::OffsetDateTime;

use crate::output::{bytes, labelled, one_line, timestamp};

/// The header of the list of clusters.
pub(crate) const HEADER: [&str; 9] =
    ["NAME", "HEALTH", "SINCE", "LAST HEARTBEAT", "MEMBERS", "INSTANCES", "MEMORY", "STORAGE", "WARNINGS"];

/// Everything about a cluster, one fact a line.
pub(crate) fn describe(cluster: &Cluster, now: OffsetDateTime) -> String {
    let ago = |at| format!("{} ago ({})", in_words(now - at), timestamp(at));
    let for_long = in_words(now - cluster.health.since);
    let mut lines = vec![
        ("Name", one_line(&cluster.name)),
        ("Description", one_line(&cluster.description)),
        ("Health", format!("{}, for {for_long}", one_line(cluster.health.state.as_str()))),
    ];
    lines.extend(cluster.health.reasons.iter().map(|reason| ("", one_line(reason))));
    let heading = |index| if index == 0 { "Warnings" } else { "" };
    let warnings = cluster.warnings.iter().enumerate().map(|(index, warning)| {
        let for_long = in_words(now - warning.since);
        (
            heading(index),
            format!("{}: {}, for {for_long}", one_line(warning.severity.as_str()), one_line(&warning.text)),
        )
    });
    lines.extend(warnings);
    lines.extend([
        ("Last heartbeat", cluster.last_heartbeat_at.map_or_else(|| "never".to_owned(), ago)),
        ("Members", counts(&cluster.member_statuses)),
        ("Instances", counts(&cluster.instance_statuses)),
        ("Ceph", counts(&cluster.ceph_statuses)),
        ("CPU", cpu(cluster)),
        ("Memory", used(cluster.memory_usage.unsigned_abs(), cluster.memory_total_amount.unsigned_abs())),
    ]);
    lines.extend(cluster.storage_pool_usages.iter().enumerate().map(|(index, pool)| storage(index, pool)));
    lines.extend([
        ("Thresholds", format!("storage {}%, memory {}%", cluster.disk_threshold, cluster.memory_threshold)),
        ("Web UI", one_line(&cluster.ui_url)),
        ("Certificate", one_line(&cluster.certificate.fingerprint)),
        ("", format!("valid until {}", timestamp(cluster.certificate.not_after))),
        ("Joined", ago(cluster.joined_at)),
        ("UID", one_line(&cluster.uid)),
        ("Cluster UUID", one_line(&cluster.cluster_uuid)),
    ]);
    labelled(&lines)
}

/// A cluster's row in the list, with the columns of [`HEADER`].
pub(crate) fn row(cluster: &Cluster, now: OffsetDateTime) -> Vec<String> {
    let duration_since = |time| in_words(now - time);
    let running =
        cluster.instance_statuses.iter().filter(|entry| entry.status.eq_ignore_ascii_case("running"));
    let running = running.fold(0u32, |sum, entry| sum.saturating_add(entry.count));
    let storage = cluster.storage_pool_usages.iter().fold((0u64, 0u64), |(usage, total), pool| {
        (usage.saturating_add(pool.usage), total.saturating_add(pool.total))
    });
    vec![
        cluster.name.clone(),
        cluster.health.state.to_string(),
        duration_since(cluster.health.since),
        cluster
            .last_heartbeat_at
            .map_or_else(|| "never".to_owned(), |time| format!("{} ago", duration_since(time))),
        cluster.member_count.to_string(),
        format!("{running} of {}", cluster.instance_count),
        share(cluster.memory_usage.unsigned_abs(), cluster.memory_total_amount.unsigned_abs()),
        share(storage.0, storage.1),
        match cluster.warnings.as_slice() {
            [] => String::new(),
            [only] => only.text.clone(),
            [worst, rest @ ..] => format!("{} (and {} more)", worst.text, rest.len()),
        },
    ]
}

/// A share as a whole percentage, or a dash if the total is 0.
fn share(usage: u64, total: u64) -> String {
    if total == 0 { "-".to_owned() } else { format!("{}%", share_rounded_up(usage, total)) }
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
    let loads = [&cluster.cpu_load_1, &cluster.cpu_load_5, &cluster.cpu_load_15].map(|load| one_line(load));
    let loads = if loads.concat().is_empty() { "-".to_owned() } else { format!("load {}", loads.join(", ")) };
    match cluster.cpu_total_count {
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
