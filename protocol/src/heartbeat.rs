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
mod tests;
