//! What is recorded although no data change: sign-ins, sign-outs, refusals.

use fleet::Origin;
use serde_json::json;
use tokio_postgres::Transaction;

use super::{NewEvent, record};
use crate::{Store, StoreError};

/// Something about who comes in. Nothing in it may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityEvent {
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// Somebody tried to sign in and was refused.
    SignInRefused {
        /// Why, for people.
        reason: String,
    },
    /// A request was refused.
    Refused {
        /// The request's method.
        method: String,
        /// The pattern of its route, such as `/1.0/remote-cluster/{name}`.
        path: String,
        /// The HTTP status of the answer.
        status: u16,
        /// How many such requests this stands for; 0 counts as 1.
        count: u32,
    },
}

impl Store {
    /// Records it; who and from where says the origin.
    pub async fn record_security_event(
        &self,
        origin: &Origin,
        event: SecurityEvent,
    ) -> Result<(), StoreError> {
        self.record_security_events(origin, event, 1).await
    }

    /// Records in one row what happened so many times; 0 counts as 1.
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

/// Records it with what this transaction does; 0 counts as 1.
pub(crate) async fn record_security(
    tx: &Transaction<'_>,
    origin: &Origin,
    event: &SecurityEvent,
    count: u32,
) -> Result<(), StoreError> {
    let subject = event.subject();
    let new = event.as_new();
    let repeats = new.repeats.max(count.saturating_sub(1));
    record(tx, origin, NewEvent { subject: subject.as_deref(), repeats, ..new }).await
}

impl SecurityEvent {
    fn as_new(&self) -> NewEvent<'static> {
        let event = |action| NewEvent { action, ..NewEvent::default() };
        match self {
            Self::SignedIn => event("sign-in.succeeded"),
            Self::SignedOut => event("sign-out.done"),
            Self::SignInRefused { reason } => {
                NewEvent { after: Some(json!({ "reason": reason })), ..event("sign-in.refused") }
            }
            Self::Refused { status, count, .. } => NewEvent {
                after: Some(json!({ "status": status })),
                repeats: count.saturating_sub(1),
                ..event("request.refused")
            },
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::Refused { method, path, .. } => Some(format!("{method} {path}")),
            Self::SignedIn | Self::SignedOut | Self::SignInRefused { .. } => None,
        }
    }
}
