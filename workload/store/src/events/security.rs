//! Events that do not change data: sign-ins, sign-outs, refusals.

use fleet::Origin;
use serde_json::json;
use tokio_postgres::Transaction;

use super::record::{NewEvent, record};
use crate::{Store, StoreError};

/// A security event. It must not contain secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityEvent {
    /// A person signed in.
    SignedIn,
    /// A person signed out.
    SignedOut,
    /// A sign-in was refused.
    SignInRefused {
        /// The reason as text.
        reason: String,
    },
    /// A join was refused.
    JoinRefused {
        /// The name under which somebody tried to join, if all refusals that this event stands for have the same.
        cluster_name: Option<String>,
        /// The reason as text.
        reason: &'static str,
    },
    /// A request was refused.
    Refused {
        /// The request's method.
        method: String,
        /// The pattern of its route, such as `/1.0/remote-cluster/{name}`.
        path: String,
        /// The name of the cluster in its path.
        cluster: Option<String>,
        /// The HTTP status of the response.
        status: u16,
        /// The number of such requests; 0 counts as 1.
        count: u32,
    },
}

impl Store {
    /// Records a security event. The origin tells who caused it, and from where.
    pub async fn record_security_event(
        &self,
        origin: &Origin,
        event: SecurityEvent,
    ) -> Result<(), StoreError> {
        self.record_security_events(origin, event, 1).await
    }

    /// Records in one event what happened `count` times; 0 counts as 1.
    pub async fn record_security_events(
        &self,
        origin: &Origin,
        event: SecurityEvent,
        count: u32,
    ) -> Result<(), StoreError> {
        let event = &event;
        self.transaction("record_security_event", |tx| {
            Box::pin(async move { record_security(&tx, origin, event, count).await })
        })
        .await
    }
}

/// Records a security event in this transaction; a count of 0 counts as 1.
pub(crate) async fn record_security(
    tx: &Transaction<'_>,
    origin: &Origin,
    event: &SecurityEvent,
    count: u32,
) -> Result<(), StoreError> {
    let (subject, cluster_name) = (event.subject(), event.cluster_name());
    let new = event.to_new_event();
    let repeats = new.repeats.max(count.saturating_sub(1));
    record(tx, origin, NewEvent { subject: subject.as_deref(), cluster_name, repeats, ..new }).await
}

impl SecurityEvent {
    fn to_new_event(&self) -> NewEvent<'static> {
        let event = |action| NewEvent { action, ..NewEvent::default() };
        match self {
            Self::SignedIn => event("sign-in.succeeded"),
            Self::SignedOut => event("sign-out.done"),
            Self::SignInRefused { reason } => {
                NewEvent { after: Some(json!({ "reason": reason })), ..event("sign-in.refused") }
            }
            Self::JoinRefused { reason, .. } => {
                NewEvent { after: Some(json!({ "reason": reason })), ..event("join.refused") }
            }
            Self::Refused { status, count, .. } => NewEvent {
                after: Some(json!({ "status": status })),
                repeats: count.saturating_sub(1),
                ..event("request.refused")
            },
        }
    }

    fn cluster_name(&self) -> Option<&str> {
        match self {
            Self::Refused { cluster, .. } => cluster.as_deref(),
            Self::JoinRefused { cluster_name, .. } => cluster_name.as_deref(),
            Self::SignedIn | Self::SignedOut | Self::SignInRefused { .. } => None,
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::Refused { method, path, .. } => Some(format!("{method} {path}")),
            Self::SignedIn | Self::SignedOut | Self::SignInRefused { .. } | Self::JoinRefused { .. } => None,
        }
    }
}
