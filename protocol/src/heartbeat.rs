//! The heartbeat (contract 1.2): the report that a cluster sends, by default every 60 s.
//!
//! A report may contain megabytes of metrics text. Parsing copies none of it: [`MemberMetrics::metrics`] is a slice of
//! the body, still escaped as in the JSON. The relay unescapes it later, outside of the request.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::{is_object, null_is_default};

/// The largest body of a heartbeat, in bytes (contract 1.2).
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// The longest URL in a report, in bytes.
const MAX_URL_BYTES: usize = 4096;
/// The longest name, status or load, in bytes. LXD's own limits are several times smaller.
const MAX_TEXT_BYTES: usize = 512;
/// The maximum number of entries in one list: a thousand members with fifty storage pools each.
const MAX_LIST_ENTRIES: usize = 50_000;

/// One report: the details, which the hub stores, and the metrics, which go to the relay.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat<'a> {
    /// The figures that the hub stores and derives warnings from.
    pub details: Details,
    /// The metrics of each member, as slices of the body.
    pub metrics: Vec<MemberMetrics<'a>>,
}

/// The figures of one report. The hub keeps the latest and the management API returns them under the same names.
///
/// Every field may be absent or `null` on the wire (contract 1.2) and is then empty or 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// The number of Ceph services by status; empty without Ceph.
    pub ceph_statuses: Vec<StatusCount>,
    /// The number of CPUs of all members, 0 or more. Current MicroCloud clients send 0; the loads are then sums over
    /// members, not per CPU.
    pub cpu_total_count: i64,
    /// The load average over 1 min.
    pub cpu_load_1: Load,
    /// The load average over 5 min.
    pub cpu_load_5: Load,
    /// The load average over 15 min.
    pub cpu_load_15: Load,
    /// The memory of all members in bytes, 0 or more.
    pub memory_total_amount: i64,
    /// The memory in use in bytes, 0 or more.
    pub memory_usage: i64,
    /// The usage of the storage pools: one entry per member for a local pool, one for a shared pool.
    pub storage_pool_usages: Vec<StoragePoolUsage>,
    /// The number of members by LXD's status (`Online`, `Offline`, `Evacuated`, `Blocked`, …).
    pub member_statuses: Vec<StatusCount>,
    /// The number of instances in all projects by LXD's status (`Running`, `Stopped`, `Frozen`, `Error`, …).
    pub instance_statuses: Vec<StatusCount>,
    /// The URL of the cluster's own web UI, at most 4096 bytes. Unverified text: make it a link only if its scheme is
    /// `http:` or `https:` (contract 1.3).
    pub ui_url: String,
}

/// The number of members, instances or Ceph services with one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// The status, compared without case (contract 1.2); at most 512 bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: String,
    /// The number. All counts of one list add up to at most 2147483647.
    #[serde(default, deserialize_with = "null_is_default")]
    pub count: u32,
}

/// The usage of one storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePoolUsage {
    /// The pool's name, at most 512 bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The member that the pool is local to, at most 512 bytes; empty for a pool that all members share.
    #[serde(default, deserialize_with = "null_is_default")]
    pub member: String,
    /// The pool's size in bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub total: u64,
    /// The used space in bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub usage: u64,
}

/// A load average as the client wrote it: a decimal number of 0 or more, or empty if it sent none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Load(String);

/// The exposition of one member.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberMetrics<'a> {
    /// The member's name.
    pub member: Cow<'a, str>,
    /// The service that was scraped, always `LXD` today.
    pub service: Cow<'a, str>,
    /// The exposition: the text between its JSON quotes, still escaped.
    pub metrics: &'a str,
}

/// Why a body is not a heartbeat. The response is 400 and nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeartbeat {
    /// The body is not a JSON object, or a field has the wrong type or is out of its type's range.
    #[error("the body is not a heartbeat: {0}")]
    Json(String),
    /// The value of a field cannot be stored.
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
    /// Parses a request body of at most [`MAX_BODY_BYTES`], which the caller checks.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidHeartbeat> {
        if !is_object(body) {
            return Err(InvalidHeartbeat::Json("expected a JSON object".to_owned()));
        }
        let wire: Wire<'a> = serde_json::from_slice(body).map_err(|error| {
            // The message may quote a value of any length.
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
            return Err(field("server_metrics", "the metrics of a member must be one string"));
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
    /// The number of members: the sum of `member_statuses`.
    pub fn member_count(&self) -> i32 {
        capped_sum(&self.member_statuses)
    }

    /// The number of instances: the sum of `instance_statuses`.
    pub fn instance_count(&self) -> i32 {
        capped_sum(&self.instance_statuses)
    }

    /// The number of Ceph services: the sum of `ceph_statuses`.
    pub fn ceph_count(&self) -> i32 {
        capped_sum(&self.ceph_statuses)
    }
}

impl Load {
    fn checked(name: &'static str, text: Option<String>) -> Result<Self, InvalidHeartbeat> {
        let text = text.unwrap_or_default();
        check_text(name, &text)?;
        let is_load = text.is_empty()
            || (text.len() <= 32 && text.parse::<f64>().is_ok_and(|load| load.is_finite() && load >= 0.0));
        if is_load {
            Ok(Self(text))
        } else {
            Err(field(name, "a load must be a decimal number of 0 or more"))
        }
    }

    /// Wraps a stored load without checking it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The number as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sum of a list's counts. [`checked_counts`] bounds it for parsed lists; others are capped.
fn capped_sum(counts: &[StatusCount]) -> i32 {
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
        check_text(name, &entry.status)?;
    }
    Ok(list)
}

fn checked_pools(list: Option<Vec<StoragePoolUsage>>) -> Result<Vec<StoragePoolUsage>, InvalidHeartbeat> {
    let list = checked_list("storage_pool_usages", list)?;
    for pool in &list {
        check_text("storage_pool_usages", &pool.name)?;
        check_text("storage_pool_usages", &pool.member)?;
    }
    Ok(list)
}

fn checked_list<T>(name: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, InvalidHeartbeat> {
    match list.unwrap_or_default() {
        list if list.len() > MAX_LIST_ENTRIES => Err(field(name, "a list can have at most 50000 entries")),
        list => Ok(list),
    }
}

fn checked_url(url: String) -> Result<String, InvalidHeartbeat> {
    if url.len() > MAX_URL_BYTES {
        return Err(field("ui_url", "a URL can have at most 4096 bytes"));
    }
    check_nul("ui_url", &url).map(|()| url)
}

fn check_text(name: &'static str, text: &str) -> Result<(), InvalidHeartbeat> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(field(name, "a name or status can have at most 512 bytes"));
    }
    check_nul(name, text)
}

fn check_nul(name: &'static str, text: &str) -> Result<(), InvalidHeartbeat> {
    if text.contains('\0') { Err(field(name, "text cannot contain NUL")) } else { Ok(()) }
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
