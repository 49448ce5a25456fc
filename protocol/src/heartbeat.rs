//! What a cluster reports every minute (contract 1.2), read with every leniency that deployed clients need.
//!
//! A report may carry megabytes of metrics text. Reading copies none of it: [`MemberMetrics::metrics`] is a slice of
//! the body, still escaped as it stands in the JSON, for a worker to unescape when it has the time.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::join::is_object;
use crate::tunnel::null_is_default;

/// The largest body of a heartbeat, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// The longest URL in a report, in bytes.
const MAX_URL_BYTES: usize = 4096;
/// The longest name, status word or load, in bytes: several times what LXD allows.
const MAX_WORD_BYTES: usize = 512;
/// The most entries that one list may have; a thousand members with fifty pools each are ordinary enough.
const MAX_LIST_ENTRIES: usize = 50_000;

/// One report: what is stored, and what is handed on to the metrics relay.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat<'a> {
    /// What the hub stores and judges.
    pub details: Details,
    /// Each member's metrics, as slices of the body.
    pub metrics: Vec<MemberMetrics<'a>>,
}

/// A cluster's own figures: the latest are kept, and shown by the API under the same names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Ceph services by status; empty without Ceph.
    pub ceph_statuses: Vec<StatusCount>,
    /// CPUs of all members; 0 in today's clients, and the loads are then sums over members.
    pub cpu_total_count: i64,
    /// Load average over one minute.
    pub cpu_load_1: Load,
    /// Load average over five minutes.
    pub cpu_load_5: Load,
    /// Load average over fifteen minutes.
    pub cpu_load_15: Load,
    /// Memory of all members in bytes.
    pub memory_total_amount: i64,
    /// Memory in use in bytes.
    pub memory_usage: i64,
    /// Storage pools, one entry a member where members have their own.
    pub storage_pool_usages: Vec<StoragePoolUsage>,
    /// Members by status, in LXD's words (`Online`, `Offline`, `Evacuated`, `Blocked`, …).
    pub member_statuses: Vec<StatusCount>,
    /// Instances of all projects by status, in LXD's words (`Running`, `Stopped`, `Frozen`, `Error`, …).
    pub instance_statuses: Vec<StatusCount>,
    /// Where the cluster's own web UI is; any text, a link only if it is `http:` or `https:`.
    pub ui_url: String,
}

/// How many of something have a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// The status word, compared without case.
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: String,
    /// How many.
    #[serde(default, deserialize_with = "null_is_default")]
    pub count: u32,
}

/// How full a storage pool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePoolUsage {
    /// The pool.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The member whose pool it is; empty for a pool that all members share.
    #[serde(default, deserialize_with = "null_is_default")]
    pub member: String,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub total: u64,
    /// What is used of it in bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub usage: u64,
}

/// A load average in decimal digits, as the client wrote it; empty when it sent none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Load(String);

/// One member's whole exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberMetrics<'a> {
    /// The member.
    pub member: Cow<'a, str>,
    /// What was scraped: `LXD`.
    pub service: Cow<'a, str>,
    /// The Prometheus text between its JSON quotes, still escaped.
    pub metrics: &'a str,
}

/// What is wrong with a report: answered with 400, nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeartbeat {
    /// The body is not JSON, or a field is of another type or out of its range.
    #[error("the body is not a heartbeat: {0}")]
    Json(String),
    /// A field holds something that cannot be stored.
    #[error("{field}: {problem}")]
    Field {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    ceph_statuses: Option<Vec<StatusCount>>,
    #[serde(default)]
    cpu_total_count: Option<i64>,
    #[serde(default)]
    cpu_load_1: Option<String>,
    #[serde(default)]
    cpu_load_5: Option<String>,
    #[serde(default)]
    cpu_load_15: Option<String>,
    #[serde(default)]
    memory_total_amount: Option<i64>,
    #[serde(default)]
    memory_usage: Option<i64>,
    #[serde(default)]
    storage_pool_usages: Option<Vec<StoragePoolUsage>>,
    #[serde(default)]
    member_statuses: Option<Vec<StatusCount>>,
    #[serde(default)]
    instance_statuses: Option<Vec<StatusCount>>,
    #[serde(default, borrow)]
    server_metrics: Option<Vec<WireMetrics<'a>>>,
    #[serde(default)]
    ui_url: Option<String>,
}

#[derive(Deserialize)]
struct WireMetrics<'a> {
    #[serde(default, borrow)]
    member: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    service: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    metrics: Option<&'a RawValue>,
}

// === impl Heartbeat ===

impl<'a> Heartbeat<'a> {
    /// Reads a request body.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidHeartbeat> {
        if !is_object(body) {
            return Err(InvalidHeartbeat::Json("a JSON object is expected".to_owned()));
        }
        let wire: Wire<'a> = serde_json::from_slice(body).map_err(|error| {
            // The error may quote a value of any length.
            InvalidHeartbeat::Json(error.to_string().chars().take(200).collect())
        })?;
        let details = Details {
            ceph_statuses: checked_counts("ceph_statuses", wire.ceph_statuses)?,
            cpu_total_count: not_negative("cpu_total_count", wire.cpu_total_count)?,
            cpu_load_1: Load::checked("cpu_load_1", wire.cpu_load_1)?,
            cpu_load_5: Load::checked("cpu_load_5", wire.cpu_load_5)?,
            cpu_load_15: Load::checked("cpu_load_15", wire.cpu_load_15)?,
            memory_total_amount: not_negative("memory_total_amount", wire.memory_total_amount)?,
            memory_usage: not_negative("memory_usage", wire.memory_usage)?,
            storage_pool_usages: checked_pools(wire.storage_pool_usages)?,
            member_statuses: checked_counts("member_statuses", wire.member_statuses)?,
            instance_statuses: checked_counts("instance_statuses", wire.instance_statuses)?,
            ui_url: checked_url(wire.ui_url.unwrap_or_default())?,
        };
        let metrics = checked_list("server_metrics", wire.server_metrics)?
            .into_iter()
            .filter_map(|entry| MemberMetrics::checked(entry).transpose())
            .collect::<Result<_, _>>()?;
        Ok(Self { details, metrics })
    }
}

impl<'a> MemberMetrics<'a> {
    fn checked(wire: WireMetrics<'a>) -> Result<Option<Self>, InvalidHeartbeat> {
        let raw = wire.metrics.map_or("null", RawValue::get);
        if raw == "null" {
            return Ok(None);
        }
        let Some(metrics) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Err(field("server_metrics", "the metrics of a member are one text"));
        };
        Ok(Some(Self {
            member: wire.member.unwrap_or_default(),
            service: wire.service.unwrap_or_default(),
            metrics,
        }))
    }
}

// === impl Details ===

impl Details {
    /// How many members the cluster has.
    pub fn member_count(&self) -> i32 {
        total(&self.member_statuses)
    }

    /// How many instances the cluster has.
    pub fn instance_count(&self) -> i32 {
        total(&self.instance_statuses)
    }

    /// How many Ceph services the cluster has.
    pub fn ceph_count(&self) -> i32 {
        total(&self.ceph_statuses)
    }
}

impl Load {
    fn checked(name: &'static str, text: Option<String>) -> Result<Self, InvalidHeartbeat> {
        let text = text.unwrap_or_default();
        check_word(name, &text)?;
        let is_load = text.is_empty()
            || (text.len() <= 32 && text.parse::<f64>().is_ok_and(|load| load.is_finite() && load >= 0.0));
        if is_load { Ok(Self(text)) } else { Err(field(name, "a load is a decimal number, 0 or more")) }
    }

    /// Takes a load that a database already holds.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The digits as the client wrote them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sum of a list's counts; lists that were read from the wire fit by construction.
fn total(counts: &[StatusCount]) -> i32 {
    let sum: u64 = counts.iter().map(|entry| u64::from(entry.count)).sum();
    i32::try_from(sum).unwrap_or(i32::MAX)
}

fn checked_counts(
    name: &'static str,
    list: Option<Vec<StatusCount>>,
) -> Result<Vec<StatusCount>, InvalidHeartbeat> {
    let list = checked_list(name, list)?;
    let sum: u64 = list.iter().map(|entry| u64::from(entry.count)).sum();
    if i32::try_from(sum).is_err() {
        return Err(field(name, "the counts add up to more than 2147483647"));
    }
    for entry in &list {
        check_word(name, &entry.status)?;
    }
    Ok(list)
}

fn checked_pools(list: Option<Vec<StoragePoolUsage>>) -> Result<Vec<StoragePoolUsage>, InvalidHeartbeat> {
    let list = checked_list("storage_pool_usages", list)?;
    for pool in &list {
        check_word("storage_pool_usages", &pool.name)?;
        check_word("storage_pool_usages", &pool.member)?;
    }
    Ok(list)
}

fn checked_list<T>(name: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, InvalidHeartbeat> {
    match list.unwrap_or_default() {
        list if list.len() > MAX_LIST_ENTRIES => Err(field(name, "a list has at most 50000 entries")),
        list => Ok(list),
    }
}

fn checked_url(url: String) -> Result<String, InvalidHeartbeat> {
    if url.len() > MAX_URL_BYTES {
        return Err(field("ui_url", "a URL has at most 4096 bytes"));
    }
    check_nul("ui_url", &url).map(|()| url)
}

fn check_word(name: &'static str, text: &str) -> Result<(), InvalidHeartbeat> {
    if text.len() > MAX_WORD_BYTES {
        return Err(field(name, "a name or a word has at most 512 bytes"));
    }
    check_nul(name, text)
}

fn check_nul(name: &'static str, text: &str) -> Result<(), InvalidHeartbeat> {
    if text.contains('\0') { Err(field(name, "a text cannot hold NUL")) } else { Ok(()) }
}

fn not_negative(name: &'static str, number: Option<i64>) -> Result<i64, InvalidHeartbeat> {
    match number.unwrap_or_default() {
        number if number < 0 => Err(field(name, "the number cannot be negative")),
        number => Ok(number),
    }
}

fn field(field: &'static str, problem: &'static str) -> InvalidHeartbeat {
    InvalidHeartbeat::Field { field, problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: &str = r##"{"ceph_statuses":[{"status":"Online","count":3}],"cpu_total_count":8,"cpu_load_1":"0.42",
        "cpu_load_5":"0.5","cpu_load_15":"1","memory_total_amount":1024,"memory_usage":512,
        "storage_pool_usages":[{"name":"local","member":"m1","total":18446744073709551615,"usage":7},
            {"name":"remote","member":"","total":9,"usage":1}],
        "member_statuses":[{"status":"Online","count":1}],
        "instance_statuses":[{"status":"Running","count":2},{"status":"Stopped","count":1}],
        "server_metrics":[{"member":"m1","service":"LXD","metrics":"# HELP a \"b\"\n  a{x=\"1\"} 1\n# EOF"}],
        "ui_url":"https://10.0.0.1:8443","a_field_of_tomorrow":{"x":[1]}}"##;

    #[test]
    fn a_full_report_is_read_whole_and_in_order() {
        let beat = Heartbeat::parse(FULL.as_bytes()).unwrap();
        assert_eq!(beat.details.instance_count(), 3);
        assert_eq!(beat.details.member_count(), 1);
        assert_eq!(beat.details.ceph_count(), 3);
        assert_eq!(beat.details.cpu_load_1.as_str(), "0.42");
        assert_eq!(beat.details.storage_pool_usages[0].total, u64::MAX);
        assert_eq!(beat.details.storage_pool_usages[1].member, "");
        assert_eq!(beat.details.instance_statuses[1].status, "Stopped");
    }

    #[test]
    fn metrics_are_a_slice_of_the_body_and_still_escaped() {
        let beat = Heartbeat::parse(FULL.as_bytes()).unwrap();
        let metrics = beat.metrics[0].metrics;
        assert_eq!(metrics, r#"# HELP a \"b\"\n  a{x=\"1\"} 1\n# EOF"#);
        let body = FULL.as_bytes().as_ptr_range();
        assert!(body.contains(&metrics.as_ptr()));
    }

    #[test]
    fn every_list_and_scalar_may_be_null_or_absent() {
        let nulls = r#"{"ceph_statuses":null,"cpu_total_count":null,"cpu_load_1":null,"cpu_load_5":null,
            "cpu_load_15":null,"memory_total_amount":null,"memory_usage":null,"storage_pool_usages":null,
            "member_statuses":null,"instance_statuses":null,"server_metrics":null,"ui_url":null}"#;
        let empty_entries = r#"{"server_metrics":[{"member":"m","service":"LXD","metrics":null},{}]}"#;
        for body in ["{}", nulls, empty_entries] {
            let beat = Heartbeat::parse(body.as_bytes()).unwrap();
            assert_eq!(beat, Heartbeat { details: Details::default(), metrics: vec![] });
        }
    }

    #[test]
    fn what_cannot_be_stored_is_refused_by_name() {
        for (body, error) in [
            (r#"{"cpu_total_count":-1}"#, "cpu_total_count: the number cannot be negative"),
            (r#"{"memory_usage":-1}"#, "memory_usage: the number cannot be negative"),
            (r#"{"cpu_load_1":"NaN"}"#, "cpu_load_1: a load is a decimal number, 0 or more"),
            (r#"{"cpu_load_5":"-0.5"}"#, "cpu_load_5: a load is a decimal number, 0 or more"),
            (r#"{"cpu_load_15":"inf"}"#, "cpu_load_15: a load is a decimal number, 0 or more"),
            (r#"{"ui_url":"https://a\u0000b"}"#, "ui_url: a text cannot hold NUL"),
            (
                r#"{"member_statuses":[{"status":"a","count":2147483647},{"status":"b","count":1}]}"#,
                "member_statuses: the counts add up to more than 2147483647",
            ),
            (r#"{"storage_pool_usages":[{"name":"\u0000"}]}"#, "storage_pool_usages: a text cannot hold NUL"),
            (r#"{"server_metrics":[{"metrics":5}]}"#, "server_metrics: the metrics of a member are one text"),
        ] {
            assert_eq!(Heartbeat::parse(body.as_bytes()).unwrap_err().to_string(), error, "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_shortly() {
        let deep = "[".repeat(100_000);
        let long = format!(r#"{{"cpu_total_count":"{}"}}"#, "x".repeat(1_000_000));
        let huge = r#"{"memory_usage":9223372036854775808}"#;
        let negative = r#"{"instance_statuses":[{"status":"Running","count":-1}]}"#;
        for body in
            ["", "null", "[]", "{", "{\"x\":NaN}", r#"{"ui_url":"\ud800"}"#, huge, negative, &deep, &long]
        {
            let error = Heartbeat::parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the body is not a heartbeat: ") && error.len() < 300, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_never_a_panic(body: Vec<u8>) {
            let _ = Heartbeat::parse(&body);
        }

        #[test]
        fn what_is_taken_in_can_be_written_and_read_again(
            counts in prop::collection::vec((".{0,20}", 0u32..1000), 0..5),
            loads in prop::array::uniform3(0.0f64..1000.0),
            memory in 0i64..,
            pools in prop::collection::vec((".{0,20}", ".{0,20}", any::<u64>(), any::<u64>()), 0..5),
        ) {
            let statuses: Vec<_> = counts
                .into_iter()
                .map(|(status, count)| StatusCount { status: status.replace('\0', ""), count })
                .collect();
            let load = |value: f64| Load::from_stored(format!("{value:.2}"));
            let details = Details {
                ceph_statuses: statuses.clone(),
                instance_statuses: statuses,
                cpu_load_1: load(loads[0]),
                cpu_load_5: load(loads[1]),
                cpu_load_15: load(loads[2]),
                memory_usage: memory,
                storage_pool_usages: pools
                    .into_iter()
                    .map(|(name, member, total, usage)| StoragePoolUsage {
                        name: name.replace('\0', ""),
                        member: member.replace('\0', ""),
                        total,
                        usage,
                    })
                    .collect(),
                ..Details::default()
            };
            let body = serde_json::to_vec(&details).unwrap();
            prop_assert_eq!(Heartbeat::parse(&body).unwrap().details, details);
        }
    }
}
