//! Refused requests and sign-ins, on their way to the audit trail. The first refusal of a kind is recorded immediately;
//! further ones are counted and recorded as one event per minute.
//!
//! A request only adds to a small table in memory, which a background task writes to the database. The number of kinds
//! in the table is limited; refusals beyond the limit share one kind.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edge::RequestId;
use fleet::{Actor, ActorKind, Origin};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, StatusCode};
use store::Store;
use store::events::SecurityEvent;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long refusals of one kind are counted before they are recorded together.
const COUNTING_PERIOD: Duration = Duration::from_secs(60);
/// How long to wait before writing again while the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How many kinds are counted separately: this many of authenticated callers, and this many of unauthenticated ones, who
/// could otherwise fill the table and hide refusals of the former.
const MAX_KINDS: usize = 100;
/// How long writing the remaining refusals may take at shutdown.
const MAX_LAST_WRITE: Duration = Duration::from_secs(3);

/// The refusals that are not recorded yet.
#[derive(Default)]
pub(crate) struct Refusals {
    table: Mutex<Table>,
    /// Notified when a refusal should be recorded immediately.
    new_kind: Notify,
}

/// What is known about a request, in case it is refused.
pub(crate) struct Attempt {
    /// A word from a small set.
    method: String,
    address: IpAddr,
    request_id: RequestId,
    has_credential: bool,
    /// The path of its route.
    pub(crate) route: Option<&'static str>,
    /// The name of the cluster in its path.
    pub(crate) cluster: Option<String>,
    /// Its authenticated caller.
    pub(crate) actor: Option<Actor>,
}

/// A kind of refusal. Refusals of the same kind are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    actor: Actor,
    address: Option<IpAddr>,
    subject: Subject,
}

/// What was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Request { method: String, route: &'static str, cluster: Option<String>, status: u16 },
    SignIn { reason: String },
}

#[derive(Default)]
struct Table(HashMap<Kind, Waiting>);

struct Waiting {
    count: u32,
    /// The request id of the last refusal.
    request_id: Option<String>,
    /// When to record the refusals that are counted by then.
    due: Instant,
}

/// Refusals of one kind that are due to be recorded.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    kind: Kind,
    count: u32,
    request_id: Option<String>,
}

impl Attempt {
    pub(crate) fn new(method: &str, headers: &HeaderMap, address: IpAddr, request_id: RequestId) -> Self {
        let has_credential = has_credential(headers);
        Self {
            method: method.to_owned(),
            address,
            request_id,
            has_credential,
            route: None,
            cluster: None,
            actor: None,
        }
    }

    /// The kind of refusal, if a response with this status is one. A caller without credentials is not refused, but has yet
    /// to sign in.
    fn refused_with(&self, status: StatusCode) -> Option<Kind> {
        let counts = match status {
            StatusCode::UNAUTHORIZED => self.has_credential,
            status => status == StatusCode::FORBIDDEN,
        };
        counts.then(|| Kind {
            actor: self.actor.clone().unwrap_or_else(Actor::unknown),
            address: Some(self.address),
            subject: Subject::Request {
                method: self.method.clone(),
                route: self.route.unwrap_or("(no such route)"),
                // Anybody can put any name into a path, so only that of an authenticated caller is worth a kind.
                cluster: self.cluster.clone().filter(|_| self.actor.is_some()),
                status: status.as_u16(),
            },
        })
    }
}

/// Whether the request presents credentials.
fn has_credential(headers: &HeaderMap) -> bool {
    let is_ours = |cookies: &http::HeaderValue| cookies.as_bytes().windows(7).any(|name| name == b"__Host-");
    headers.contains_key(AUTHORIZATION) || headers.get_all(COOKIE).iter().any(is_ours)
}

impl Refusals {
    /// Counts the request if this status is a refusal. Does not block.
    pub(crate) fn note(&self, attempt: &Attempt, status: StatusCode) {
        let Some(kind) = attempt.refused_with(status) else { return };
        self.add(kind, Some(attempt.request_id.to_string()));
    }

    /// Counts a refused sign-in.
    pub(crate) fn note_sign_in(&self, origin: Origin, reason: &str) {
        let Origin { actor, address, request_id } = origin;
        self.add(Kind { actor, address, subject: Subject::SignIn { reason: reason.to_owned() } }, request_id);
    }

    fn add(&self, kind: Kind, request_id: Option<String>) {
        let is_new = self.table().add(kind, request_id, Instant::now());
        if is_new {
            self.new_kind.notify_one();
        }
    }

    /// Records refusals when they are due, until shutdown. Then records the rest.
    pub(crate) async fn write(&self, store: &Store, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let wake = self.table().next_due();
            let wake = async {
                match wake {
                    Some(wake) => tokio::time::sleep_until(wake.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.new_kind.notified() => {}
                () = wake => {}
            }
            let due = self.table().take_due(Instant::now());
            self.write_all(store, due).await;
        }
        let rest = self.table().take_all();
        if tokio::time::timeout(MAX_LAST_WRITE, self.write_all(store, rest)).await.is_err() {
            tracing::warn!("cannot record the last refusals in the audit trail in time");
        }
    }

    async fn write_all(&self, store: &Store, all: Vec<Due>) {
        for Due { kind, count, request_id } in all {
            // An event that stands for several requests has no request id.
            let request = request_id.clone().filter(|_| count == 1);
            let origin = Origin { actor: kind.actor.clone(), address: kind.address, request_id: request };
            match store.record_security_events(&origin, kind.subject.as_event(), count).await {
                Ok(()) => {}
                Err(error) if error.is_unavailable() => {
                    self.table().put_back(Due { kind, count, request_id }, Instant::now() + RETRY_DELAY);
                }
                Err(error) => tracing::warn!(%error, "cannot record a refusal in the audit trail"),
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Counts a refusal. Returns whether it is the first of its kind, which is due immediately.
    fn add(&mut self, kind: Kind, request_id: Option<String>, now: Instant) -> bool {
        let kind = if self.0.contains_key(&kind) || self.has_space_for(&kind) {
            kind
        } else {
            kind.as_shared_kind()
        };
        let is_new = !self.0.contains_key(&kind);
        let waiting = self.0.entry(kind).or_insert(Waiting { count: 0, request_id: None, due: now });
        waiting.count = waiting.count.saturating_add(1);
        waiting.request_id = request_id;
        is_new
    }

    /// Adds refusals again that could not be recorded.
    fn put_back(&mut self, due: Due, retry: Instant) {
        let Due { kind, count, request_id } = due;
        let waiting = self.0.entry(kind).or_insert(Waiting { count: 0, request_id: None, due: retry });
        waiting.count = waiting.count.saturating_add(count);
        waiting.request_id = waiting.request_id.take().or(request_id);
        waiting.due = retry;
    }

    fn has_space_for(&self, kind: &Kind) -> bool {
        self.0.keys().filter(|known| known.is_unauthenticated() == kind.is_unauthenticated()).count()
            < MAX_KINDS
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|waiting| waiting.due).min()
    }

    /// Takes the refusals that are due, and forgets kinds that had none for a while.
    fn take_due(&mut self, now: Instant) -> Vec<Due> {
        self.0.retain(|_, waiting| waiting.count > 0 || waiting.due > now);
        let due = self.0.iter_mut().filter(|(_, waiting)| waiting.due <= now);
        due.map(|(kind, waiting)| {
            waiting.due = now + COUNTING_PERIOD;
            Due {
                kind: kind.clone(),
                count: std::mem::take(&mut waiting.count),
                request_id: waiting.request_id.take(),
            }
        })
        .collect()
    }

    fn take_all(&mut self) -> Vec<Due> {
        let all = self.0.drain().filter(|(_, waiting)| waiting.count > 0);
        all.map(|(kind, waiting)| Due { kind, count: waiting.count, request_id: waiting.request_id })
            .collect()
    }
}

impl Kind {
    fn is_unauthenticated(&self) -> bool {
        self.actor.kind == ActorKind::Unknown
    }

    /// The kind that it counts as if there are too many kinds.
    fn as_shared_kind(&self) -> Self {
        // The name appears in the audit trail.
        let name =
            if self.is_unauthenticated() { "several unauthenticated callers" } else { "several accounts" };
        let subject = match self.subject {
            Subject::Request { status, .. } => {
                Subject::Request { method: "any".to_owned(), route: "route", cluster: None, status }
            }
            Subject::SignIn { .. } => Subject::SignIn { reason: "any reason".to_owned() },
        };
        Self { actor: Actor { name: name.to_owned(), ..Actor::unknown() }, address: None, subject }
    }
}

impl Subject {
    fn as_event(&self) -> SecurityEvent {
        match self.clone() {
            Self::Request { method, route, cluster, status } => {
                SecurityEvent::Refused { method, path: route.to_owned(), cluster, status, count: 1 }
            }
            Self::SignIn { reason } => SecurityEvent::SignInRefused { reason },
        }
    }
}

#[cfg(test)]
mod tests;
