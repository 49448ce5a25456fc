//! Events of the audit trail: one event, a filter over events, a page of them.

use std::net::IpAddr;

use serde_json::Value;
use time::OffsetDateTime;

use crate::actor::Actor;
use crate::cluster::ClusterUid;

/// The number up to which matching events are counted; it means that many or more.
pub const MAX_COUNTED_EVENTS: u64 = 10_000;

/// One event of the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, which never changes.
    pub id: i64,
    /// When it was recorded, by the database's clock.
    pub at: OffsetDateTime,
    /// The kind of event, such as `cluster.configured`.
    pub action: String,
    /// Who did it.
    pub actor: Actor,
    /// The cluster concerned.
    pub cluster_uid: Option<ClusterUid>,
    /// The name that the cluster had then, or that a join token gives it.
    pub cluster_name: Option<String>,
    /// The thing concerned, where it is not a cluster.
    pub subject: Option<String>,
    /// The state before.
    pub before: Option<Value>,
    /// The state after.
    pub after: Option<Value>,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
    /// The request's id, as in the log.
    pub request_id: Option<String>,
    /// The number of equal events that are recorded as this one.
    pub count: i64,
    /// Whether the event is part of the sealed chain.
    pub is_sealed: bool,
}

/// A filter over events. A field that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The cluster's name or uid.
    pub cluster: Option<String>,
    /// The actor's id or name.
    pub actor: Option<String>,
    /// The kind of event, or its first word: `cluster` matches `cluster.joined`.
    pub action: Option<String>,
    /// The earliest time, inclusive.
    pub since: Option<OffsetDateTime>,
    /// The latest time, exclusive.
    pub until: Option<OffsetDateTime>,
    /// A text that any of the event's texts contains, ignoring case.
    pub search: Option<String>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// How many events match, at most [`MAX_COUNTED_EVENTS`].
    pub total: u64,
}
