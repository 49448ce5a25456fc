//! The audit trail.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

use crate::word::ActorKind;

/// An event of the audit trail: something that was done, attempted or refused. Fields that do not apply are null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The number of the event.
    pub id: i64,
    /// When it was recorded, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// The kind of event, such as `cluster.configured`.
    pub action: String,
    /// Who did it.
    pub actor: EventActor,
    /// The name of the cluster concerned, or of the cluster that may join.
    pub cluster_name: Option<String>,
    /// The uid of the cluster concerned, if it is enrolled.
    pub cluster_uid: Option<String>,
    /// The thing concerned, if it is not a cluster.
    pub subject: Option<String>,
    /// The state before.
    pub before: Option<Value>,
    /// The state after.
    pub after: Option<Value>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// The id of the request, as in the log and in `X-Request-Id`.
    pub request_id: Option<String>,
    /// How many times it happened. Refusals of one kind are recorded as one event per minute.
    pub count: i64,
    /// Whether the event is part of the sealed chain. New events are sealed within a few seconds.
    pub sealed: bool,
}

/// The actor of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventActor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The permanent identifier: the identity provider's subject, a cluster's uid or a service account's name.
    pub id: String,
    /// The display name.
    pub name: String,
}

/// A page of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// The events, newest first.
    pub items: Vec<Event>,
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// The number of matching events, counted up to 10,000, which stands for that many or more.
    pub total: u64,
}

/// A filter over the audit trail. An event must match every parameter that is present.
#[derive(Debug, Clone, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// A cluster's name or uid.
    #[param(required = false)]
    pub cluster: Option<String>,
    /// An actor's id or name.
    #[param(required = false)]
    pub actor: Option<String>,
    /// A kind of event, such as `cluster.configured`, or its first word: `cluster` matches every event about clusters.
    #[param(required = false)]
    pub action: Option<String>,
    /// The earliest time, inclusive (RFC 3339).
    #[param(required = false, value_type = String, format = DateTime)]
    pub since: Option<OffsetDateTime>,
    /// The latest time, exclusive (RFC 3339).
    #[param(required = false, value_type = String, format = DateTime)]
    pub until: Option<OffsetDateTime>,
    /// A text that any of the event's texts contains, ignoring case. The search reads every event that the other
    /// parameters match.
    #[param(required = false)]
    pub search: Option<String>,
    /// The largest number of events to return, from 1 to 500.
    #[param(required = false, value_type = u16, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// The `next_cursor` of the previous page.
    #[param(required = false, value_type = String)]
    pub cursor: Option<i64>,
}

impl EventQuery {
    /// The number of events on a page by default.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The largest number of events on a page.
    pub const MAX_LIMIT: u16 = 500;

    /// The parameters of the query, without those that are unset.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let Self { cluster, actor, action, since, until, search, limit, cursor } = self;
        // Formatting fails only for years that RFC 3339 cannot write.
        let time = |time: &OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        let pairs = [
            ("cluster", cluster.clone()),
            ("actor", actor.clone()),
            ("action", action.clone()),
            ("since", since.as_ref().map(time)),
            ("until", until.as_ref().map(time)),
            ("search", search.clone()),
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", cursor.map(|cursor| cursor.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The filter in the domain's types.
    pub fn filter(&self) -> fleet::event::EventFilter {
        let Self { cluster, actor, action, since, until, search, .. } = self.clone();
        fleet::event::EventFilter { cluster, actor, action, since, until, search }
    }
}

impl From<fleet::event::EventPage> for EventPage {
    fn from(page: fleet::event::EventPage) -> Self {
        let last = page.events.last().filter(|_| page.has_more);
        let next_cursor = last.map(|event| event.id.to_string());
        Self { next_cursor, total: page.total, items: page.events.into_iter().map(Event::from).collect() }
    }
}

impl From<fleet::event::Event> for Event {
    fn from(event: fleet::event::Event) -> Self {
        let fleet::Actor { kind, id, name } = event.actor;
        Self {
            id: event.id,
            at: event.at,
            action: event.action,
            actor: EventActor { kind: kind.into(), id, name },
            cluster_name: event.cluster_name,
            cluster_uid: event.cluster_uid.map(|uid| uid.to_string()),
            subject: event.subject,
            before: event.before,
            after: event.after,
            address: event.address.map(|address| address.to_string()),
            request_id: event.request_id,
            count: event.count,
            sealed: event.is_sealed,
        }
    }
}
