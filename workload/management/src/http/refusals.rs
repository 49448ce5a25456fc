//! Refusals in the audit trail, of requests and of sign-ins: the first of a kind at once, the rest of a minute counted in one row.
//!
//! A request only adds to a small table in memory; a task beside it writes. However many are refused, the table has
//! so many rows and no more: beyond them all share one.

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

/// For how long refusals of a kind are only counted.
const WINDOW: Duration = Duration::from_secs(60);
/// When to try again to write what could not be written.
const RETRY: Duration = Duration::from_secs(5);
/// How many kinds are told apart at once: of those who proved who they are, and again as many of strangers, who
/// could otherwise fill the table before somebody that we know is refused.
const MOST_KINDS: usize = 100;
/// How long writing the last ones may take.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// The refusals that are not written yet.
#[derive(Default)]
pub(crate) struct Refusals {
    table: Mutex<Table>,
    /// There is something that need not wait.
    news: Notify,
}

/// What is known of a request, for the case that it is refused.
pub(crate) struct Attempt {
    /// A word from a small set.
    method: String,
    address: IpAddr,
    request_id: RequestId,
    has_credential: bool,
    /// The route that it found.
    pub(crate) route: Option<&'static str>,
    /// Who it came from, once that is proven.
    pub(crate) actor: Option<Actor>,
}

/// Refusals that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    actor: Actor,
    address: Option<IpAddr>,
    what: What,
}

/// What was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum What {
    Request { method: String, route: &'static str, status: u16 },
    SignIn { reason: String },
}

#[derive(Default)]
struct Table(HashMap<Kind, Waiting>);

struct Waiting {
    count: u32,
    /// Of the last one.
    request_id: Option<String>,
    /// When to write, if there is anything to write by then.
    due: Instant,
}

/// What is to be written now.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    kind: Kind,
    count: u32,
    request_id: Option<String>,
}

impl Attempt {
    pub(crate) fn new(method: &str, headers: &HeaderMap, address: IpAddr, request_id: RequestId) -> Self {
        let has_credential = has_credential(headers);
        Self { method: method.to_owned(), address, request_id, has_credential, route: None, actor: None }
    }

    /// What it counts as, if an answer of this status is a refusal. Who presents nothing was not refused, but has
    /// yet to sign in.
    fn refused_with(&self, status: StatusCode) -> Option<Kind> {
        let counts = match status {
            StatusCode::UNAUTHORIZED => self.has_credential,
            status => status == StatusCode::FORBIDDEN,
        };
        counts.then(|| Kind {
            actor: self.actor.clone().unwrap_or_else(Actor::unknown),
            address: Some(self.address),
            what: What::Request {
                method: self.method.clone(),
                route: self.route.unwrap_or("(no such route)"),
                status: status.as_u16(),
            },
        })
    }
}

/// Whether the request presents something that could say who calls.
fn has_credential(headers: &HeaderMap) -> bool {
    let is_ours = |cookies: &http::HeaderValue| cookies.as_bytes().windows(7).any(|name| name == b"__Host-");
    headers.contains_key(AUTHORIZATION) || headers.get_all(COOKIE).iter().any(is_ours)
}

impl Refusals {
    /// Notes the answer's status, if it is a refusal. Waits for nothing.
    pub(crate) fn note(&self, attempt: &Attempt, status: StatusCode) {
        let Some(kind) = attempt.refused_with(status) else { return };
        self.add(kind, Some(attempt.request_id.to_string()));
    }

    /// Notes that somebody was not let in.
    pub(crate) fn note_sign_in(&self, origin: Origin, reason: &str) {
        let Origin { actor, address, request_id } = origin;
        self.add(Kind { actor, address, what: What::SignIn { reason: reason.to_owned() } }, request_id);
    }

    fn add(&self, kind: Kind, request_id: Option<String>) {
        let is_new = self.table().add(kind, request_id, Instant::now());
        if is_new {
            self.news.notify_one();
        }
    }

    /// Writes what was noted until shutdown, and then what is left.
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
                () = self.news.notified() => {}
                () = wake => {}
            }
            let due = self.table().take_due(Instant::now());
            self.write_all(store, due).await;
        }
        let left = self.table().take_all();
        if tokio::time::timeout(LAST_WRITE, self.write_all(store, left)).await.is_err() {
            tracing::warn!("no time was left to write the last refusals to the audit trail");
        }
    }

    async fn write_all(&self, store: &Store, all: Vec<Due>) {
        for Due { kind, count, request_id } in all {
            // A row for many stands for no single request.
            let request = request_id.clone().filter(|_| count == 1);
            let origin = Origin { actor: kind.actor.clone(), address: kind.address, request_id: request };
            match store.record_security_events(&origin, kind.what.as_event(), count).await {
                Ok(()) => {}
                Err(error) if error.is_unavailable() => {
                    self.table().put_back(Due { kind, count, request_id }, Instant::now() + RETRY);
                }
                Err(error) => tracing::warn!(%error, "a refusal could not be written to the audit trail"),
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Counts one; says whether it is the first of its kind, to be written now.
    fn add(&mut self, kind: Kind, request_id: Option<String>, now: Instant) -> bool {
        let kind =
            if self.0.contains_key(&kind) || self.has_room_for(&kind) { kind } else { kind.as_one_of_many() };
        let is_new = !self.0.contains_key(&kind);
        let waiting = self.0.entry(kind).or_insert(Waiting { count: 0, request_id: None, due: now });
        waiting.count = waiting.count.saturating_add(1);
        waiting.request_id = request_id;
        is_new
    }

    /// Takes back what could not be written.
    fn put_back(&mut self, due: Due, retry: Instant) {
        let Due { kind, count, request_id } = due;
        let waiting = self.0.entry(kind).or_insert(Waiting { count: 0, request_id: None, due: retry });
        waiting.count = waiting.count.saturating_add(count);
        waiting.request_id = waiting.request_id.take().or(request_id);
        waiting.due = retry;
    }

    fn has_room_for(&self, kind: &Kind) -> bool {
        self.0.keys().filter(|known| known.is_stranger() == kind.is_stranger()).count() < MOST_KINDS
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|waiting| waiting.due).min()
    }

    /// Takes what is due, and forgets the kinds of which nothing came for a while.
    fn take_due(&mut self, now: Instant) -> Vec<Due> {
        self.0.retain(|_, waiting| waiting.count > 0 || waiting.due > now);
        let due = self.0.iter_mut().filter(|(_, waiting)| waiting.due <= now);
        due.map(|(kind, waiting)| {
            waiting.due = now + WINDOW;
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
    fn is_stranger(&self) -> bool {
        self.actor.kind == ActorKind::Unknown
    }

    /// What it counts as where there is no room for its own kind.
    fn as_one_of_many(&self) -> Self {
        // The name says whom there were too many of.
        let name = if self.is_stranger() { "many strangers" } else { "many who signed in" };
        let what = match self.what {
            What::Request { status, .. } => {
                What::Request { method: "any".to_owned(), route: "route", status }
            }
            What::SignIn { .. } => What::SignIn { reason: "any reason".to_owned() },
        };
        Self { actor: Actor { name: name.to_owned(), ..Actor::unknown() }, address: None, what }
    }
}

impl What {
    fn as_event(&self) -> SecurityEvent {
        match self.clone() {
            Self::Request { method, route, status } => {
                SecurityEvent::Refused { method, path: route.to_owned(), status, count: 1 }
            }
            Self::SignIn { reason } => SecurityEvent::SignInRefused { reason },
        }
    }
}

#[cfg(test)]
mod tests;
