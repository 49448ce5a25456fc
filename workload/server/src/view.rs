//! A cluster as people read it, whichever way it came.

use fleet::health::in_words;
use fleet::percent::share_rounded_up;
use management::model::{Cluster, StatusCount, StoragePoolUsage};
use time::OffsetDateTime;

use crate::output::{bytes, moment, one_line};

/// All of it.
pub fn describe(cluster: &Cluster, now: OffsetDateTime) -> String {
    let ago = |at| format!("{} ago ({})", in_words(now - at), moment(at));
    let since = in_words(now - cluster.health.since);
    let mut lines = vec![
        ("Name", one_line(&cluster.name)),
        ("Description", one_line(&cluster.description)),
        ("Health", format!("{}, for {since}", one_line(&cluster.health.state))),
    ];
    lines.extend(cluster.health.reasons.iter().map(|reason| ("", one_line(reason))));
    let heading = |index| if index == 0 { "Warnings" } else { "" };
    let warnings = cluster.warnings.iter().enumerate().map(|(index, warning)| {
        let for_long = in_words(now - warning.since);
        (
            heading(index),
            format!("{}: {}, for {for_long}", one_line(&warning.severity), one_line(&warning.text)),
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
        (
            "Thresholds",
            format!("storage {} %, memory {} %", cluster.disk_threshold, cluster.memory_threshold),
        ),
        ("Web UI", one_line(&cluster.ui_url)),
        ("Certificate", one_line(&cluster.certificate.fingerprint)),
        ("", format!("valid until {}", moment(cluster.certificate.not_after))),
        ("Joined", ago(cluster.joined_at)),
        ("UID", one_line(&cluster.uid)),
    ]);
    lines
        .iter()
        .map(|(label, text)| format!("{label:<15} {text}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Its line in the list.
pub fn row(cluster: &Cluster, now: OffsetDateTime) -> Vec<String> {
    let ago = |moment| in_words(now - moment);
    let running =
        cluster.instance_statuses.iter().filter(|entry| entry.status.eq_ignore_ascii_case("running"));
    let running: u32 = running.map(|entry| entry.count).sum();
    let storage = cluster.storage_pool_usages.iter().fold((0u64, 0u64), |(usage, total), pool| {
        (usage.saturating_add(pool.usage), total.saturating_add(pool.total))
    });
    vec![
        cluster.name.clone(),
        cluster.health.state.clone(),
        ago(cluster.health.since),
        cluster.last_heartbeat_at.map_or_else(|| "never".to_owned(), |moment| format!("{} ago", ago(moment))),
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

/// What stands above [`row`]'s columns.
pub const HEADER: [&str; 9] =
    ["NAME", "HEALTH", "SINCE", "LAST BEAT", "MEMBERS", "INSTANCES", "MEMORY", "STORAGE", "WARNINGS"];

/// A share in whole percent; a dash for a share of nothing.
fn share(usage: u64, total: u64) -> String {
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
