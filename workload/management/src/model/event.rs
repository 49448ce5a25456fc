//! A row of the audit trail.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

/// Something that was done, tried or refused. What does not apply is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number, which never changes.
    pub id: i64,
    /// When, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// What was done, such as `cluster.configured`.
    pub action: String,
    /// Who did it.
    pub actor: EventActor,
    /// What the cluster is called that it was done to, or that may join.
    pub cluster_name: Option<String>,
    /// Who that cluster is, if it is enrolled.
    pub cluster_uid: Option<String>,
    /// What it was done to, where that is no cluster.
    pub subject: Option<String>,
    /// What stood there before.
    pub before: Option<Value>,
    /// What stood there afterwards.
    pub after: Option<Value>,
    /// From which address it was done.
    pub address: Option<String>,
    /// In which request, as the log and `X-Request-Id` name it.
    pub request_id: Option<String>,
    /// How often: refusals of one kind are one row a minute.
    pub count: i64,
    /// Whether it is part of the chain of seals; a new row is after a few seconds.
    pub sealed: bool,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventActor {
    /// `person`, `service-account`, `command-line`, `cluster`, `hub` or `unknown`.
    pub kind: String,
    /// What never changes of them: the identity provider's subject, a cluster's uid, a service account's name.
    pub id: String,
    /// What people call them.
    pub name: String,
}

/// Some rows of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// The rows, newest first.
    pub items: Vec<Event>,
    /// The `cursor` for the rows that follow; null where these are the last.
    pub next_cursor: Option<String>,
    /// How many rows match, counted up to 10000, which stands for that many or more.
    pub total: u64,
}

/// Which rows of the audit trail are asked for. What is not said matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// A cluster, by its name or its uid.
    #[param(required = false)]
    pub cluster: Option<String>,
    /// Who did it, by id or name.
    #[param(required = false)]
    pub actor: Option<String>,
    /// What was done, such as `cluster.configured`, or the first word of it: `cluster` is all that was done to clusters.
    #[param(required = false)]
    pub action: Option<String>,
    /// Not before this moment (RFC 3339).
    #[param(required = false, value_type = String, format = DateTime)]
    pub since: Option<OffsetDateTime>,
    /// Before this moment (RFC 3339).
    #[param(required = false, value_type = String, format = DateTime)]
    pub until: Option<OffsetDateTime>,
    /// A text that occurs in any of the row's texts, whichever case. Looks at every row that the rest matches.
    #[param(required = false)]
    pub search: Option<String>,
    /// How many rows at most: 1 to 500.
    #[param(required = false, value_type = u16, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// Where to go on: the `next_cursor` of the answer before.
    #[param(required = false, value_type = String)]
    pub cursor: Option<i64>,
}

impl EventQuery {
    /// How many rows are answered where nobody says.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// How many rows are answered at most.
    pub const LARGEST_LIMIT: u16 = 500;

    /// The query that asks for them.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let Self { cluster, actor, action, since, until, search, limit, cursor } = self;
        // Formatting fails only for years that RFC 3339 cannot write.
        let moment = |moment: &OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
        let pairs = [
            ("cluster", cluster.clone()),
            ("actor", actor.clone()),
            ("action", action.clone()),
            ("since", since.as_ref().map(moment)),
            ("until", until.as_ref().map(moment)),
            ("search", search.clone()),
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", cursor.map(|cursor| cursor.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Which rows match.
    pub fn filter(&self) -> store::events::EventFilter {
        let Self { cluster, actor, action, since, until, search, .. } = self.clone();
        store::events::EventFilter { cluster, actor, action, since, until, search }
    }
}

impl From<store::events::EventPage> for EventPage {
    fn from(page: store::events::EventPage) -> Self {
        let last = page.events.last().filter(|_| page.has_more);
        let next_cursor = last.map(|event| event.id.to_string());
        Self { next_cursor, total: page.total, items: page.events.into_iter().map(Event::from).collect() }
    }
}

impl From<store::events::Event> for Event {
    fn from(event: store::events::Event) -> Self {
        let fleet::Actor { kind, id, name } = event.actor;
        Self {
            id: event.id,
            at: event.at,
            action: event.action,
            actor: EventActor { kind: kind.as_str().to_owned(), id, name },
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
