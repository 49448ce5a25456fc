//! The heartbeat (contract 1.2): the report that a cluster sends, by default every 60 s.
//!
//! A report may contain megabytes of metrics text. Parsing copies none of it: [`MemberMetrics::metrics`] is a slice of
//! the body, still escaped as in the JSON. The relay unescapes it later, outside of the request.

mod misfit;
mod read;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::json::null_is_default;

pub use misfit::{Field, Misfit, Misfits, Problem};

/// The largest body of a heartbeat, in bytes (contract 1.2).
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// What the details of a report take at most, in memory and as JSON, in bytes (contract 1.2). The metrics text is apart.
pub const MAX_DETAILS_BYTES: usize = 1024 * 1024;
/// The maximum number of entries in a list of statuses (contract 1.2).
pub const MAX_STATUSES: usize = 64;
/// The maximum number of storage pools, each counted once for each member (contract 1.2).
pub const MAX_POOLS: usize = 4096;
/// The maximum number of members with metrics.
pub const MAX_MEMBERS: usize = 1024;
/// The longest name or status, in bytes (contract 1.2).
pub const MAX_WORD_BYTES: usize = 255;
/// The longest URL in a report, in bytes.
pub const MAX_URL_BYTES: usize = 4096;

/// What all storage pools of a report take at most, in bytes.
const MAX_POOLS_BYTES: usize = 704 * 1024;
/// What the names of the members with metrics take at most, in bytes.
const MAX_METRICS_NAMES_BYTES: usize = 192 * 1024;
/// What the lists of statuses and the other texts take at most, if a byte of text takes this many bytes.
const fn max_other_bytes(bytes_per_byte: usize) -> usize {
    let status = bytes_per_byte * MAX_WORD_BYTES + 32;
    3 * MAX_STATUSES * status + 2 * MAX_URL_BYTES + MAX_WORD_BYTES
}
const _: () = assert!(MAX_POOLS_BYTES + MAX_METRICS_NAMES_BYTES + max_other_bytes(1) <= MAX_DETAILS_BYTES);
// In JSON, a character may be written as `\u0001`. The names of the members with metrics are not stored.
const _: () = assert!(MAX_POOLS_BYTES + max_other_bytes(6) <= MAX_DETAILS_BYTES);

/// One report: the details, which the hub stores, and the metrics, which go to the relay.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat<'a> {
    /// The figures that the hub stores and derives warnings from.
    pub details: Details,
    /// The metrics of each member, as slices of the body.
    pub metrics: Vec<MemberMetrics<'a>>,
    /// What was left out because no field can hold it.
    pub misfits: Misfits,
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
    /// `http:` or `https:` (contract 1.3). Newer clients call it `lxd_url`, which counts if both are sent.
    pub ui_url: String,
    /// An id that the cluster gives itself and that its administrators did not choose, at most 255 bytes; empty if it
    /// sends none. Unverified text.
    pub cluster_uuid: String,
}

/// The number of members, instances or Ceph services with one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// The status, compared without case (contract 1.2); at most 255 bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: String,
    /// The number. All counts of one list add up to at most 2147483647.
    #[serde(default, deserialize_with = "null_is_default")]
    pub count: u32,
}

/// The usage of one storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePoolUsage {
    /// The pool's name, at most 255 bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The member that the pool is local to, at most 255 bytes; empty for a pool that all members share.
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

/// The body is no JSON object. The response is 400 and nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a heartbeat: {0}")]
pub struct InvalidHeartbeat(String);

impl<'a> Heartbeat<'a> {
    /// Parses a request body of at most [`MAX_BODY_BYTES`], which the caller checks. Any JSON object is a heartbeat: a
    /// value that a field cannot hold is left out, as if it were absent, and is counted in [`Heartbeat::misfits`].
    ///
    /// The memory that this takes is bounded, whatever the body contains: see [`MAX_DETAILS_BYTES`].
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidHeartbeat> {
        read::read(body)
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
    /// Wraps a stored load without checking it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The number as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sum of a list's counts. Parsing bounds it; the sum of another list is capped.
fn capped_sum(counts: &[StatusCount]) -> i32 {
    let sum: u64 = counts.iter().map(|entry| u64::from(entry.count)).sum();
    i32::try_from(sum).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
