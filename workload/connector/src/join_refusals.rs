//! Refused joins, on their way to the audit trail: one event a minute for each network and reason.
//!
//! A call only adds to a small table in memory. A background task writes it to the database, so that no response waits.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edge::rate_limit::AddressPrefix;
use fleet::{Actor, Origin};
use protocol::ClusterName;
use store::Store;
use store::events::{Details, Fold, Folded, SecurityEvent};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How many networks and reasons are distinguished at a time.
const MAX_KINDS: usize = 100;
/// How long one event may take to write. The database may accept a connection and never respond.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before writing again while the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Why a join was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    CertificateOutsideItsDates,
    NoValidProof,
    TokenExpired,
    CertificateNotPresented,
    CertificateTaken,
    NameTaken,
    /// Several reasons, because there were too many kinds.
    Several,
}

/// The refused joins that are not recorded yet.
pub(crate) struct JoinRefusals {
    fold: Mutex<Fold<Kind, Refused>>,
    /// Notified when a refusal should be recorded immediately.
    new_kind: Notify,
}

/// Refusals of the same kind are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    /// `None` for several networks.
    network: Option<AddressPrefix>,
    reason: Reason,
}

/// What is known about a refusal, or about several as far as they have it in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    address: Option<IpAddr>,
    cluster_name: Option<String>,
    request_id: Option<String>,
}

impl Reason {
    /// The reason in the audit trail.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateOutsideItsDates => "the certificate is outside its dates",
            Self::NoValidProof => "no valid proof of a join token",
            Self::TokenExpired => "the join token has expired",
            Self::CertificateNotPresented => "the connection did not present the certificate",
            Self::CertificateTaken => "the certificate is enrolled under another name",
            Self::NameTaken => "the name is taken",
            Self::Several => "several reasons",
        }
    }
}

impl Details for Refused {
    fn merge(&mut self, later: Self) {
        fn keep_common<T: PartialEq>(known: &mut Option<T>, later: Option<T>) {
            if *known != later {
                *known = None;
            }
        }
        keep_common(&mut self.address, later.address);
        keep_common(&mut self.cluster_name, later.cluster_name);
        keep_common(&mut self.request_id, later.request_id);
    }
}

impl JoinRefusals {
    pub(crate) fn new() -> Self {
        Self { fold: Mutex::new(Fold::new(MAX_KINDS)), new_kind: Notify::new() }
    }

    /// Counts a refused join under this name. Does not block.
    pub(crate) fn note(&self, reason: Reason, name: &ClusterName, origin: Origin) {
        let Origin { address, request_id, .. } = origin;
        let kind = Kind { network: address.map(AddressPrefix::of), reason };
        let shared = Kind { network: None, reason: Reason::Several };
        let refused = Refused { address, cluster_name: Some(name.to_string()), request_id };
        if self.fold().add(kind, shared, refused, Instant::now()) {
            self.new_kind.notify_one();
        }
    }

    /// Records refusals when they are due, until shutdown. Then records the rest.
    pub(crate) async fn write(&self, store: &Store, shutdown: CancellationToken) {
        loop {
            let wake = self.fold().next_due();
            let wake = async {
                match wake {
                    Some(wake) => sleep_until(wake.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.new_kind.notified() => {}
                () = wake => {}
            }
            let due = self.fold().take_due(Instant::now());
            self.write_all(store, due).await;
        }
        let rest = self.fold().take_all();
        if timeout(WRITE_TIMEOUT, self.write_all(store, rest)).await.is_err() {
            tracing::warn!("cannot record the last refused joins in the audit trail in time");
        }
    }

    /// Records these, up to the first for which the database is unavailable.
    async fn write_all(&self, store: &Store, all: Vec<Folded<Kind, Refused>>) {
        let mut is_available = true;
        for folded in all {
            if is_available {
                is_available = self.write_one(store, &folded).await;
            }
            if !is_available {
                self.fold().put_back(folded, Instant::now() + RETRY_DELAY);
            }
        }
    }

    /// Returns whether the database is available.
    async fn write_one(&self, store: &Store, folded: &Folded<Kind, Refused>) -> bool {
        let Refused { address, cluster_name, request_id } = folded.details.clone();
        let origin = Origin { actor: Actor::unknown(), address, request_id };
        let event = SecurityEvent::JoinRefused { cluster_name, reason: folded.kind.reason.as_str() };
        let written =
            timeout(WRITE_TIMEOUT, store.record_security_events(&origin, event, folded.count)).await;
        match written {
            Ok(Ok(())) => true,
            Ok(Err(error)) if error.is_unavailable() => false,
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot record a refused join in the audit trail");
                true
            }
            Err(_) => false,
        }
    }

    fn fold(&self) -> MutexGuard<'_, Fold<Kind, Refused>> {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(refusals: &[(&str, &str, Reason)]) -> Vec<Folded<Kind, Refused>> {
        let all = JoinRefusals::new();
        for (number, (address, name, reason)) in refusals.iter().enumerate() {
            let origin = Origin {
                address: Some(address.parse().unwrap()),
                request_id: Some(number.to_string()),
                actor: Actor::unknown(),
            };
            all.note(*reason, &ClusterName::new(*name).unwrap(), origin);
        }
        let mut due = all.fold().take_due(Instant::now());
        due.sort_by_key(|folded| folded.count);
        due
    }

    #[test]
    fn refusals_of_one_network_and_reason_are_one_event_with_what_they_have_in_common() {
        let due = noted(&[
            ("192.0.2.1", "a", Reason::NoValidProof),
            ("192.0.2.1", "b", Reason::NoValidProof),
            ("192.0.2.1", "a", Reason::NoValidProof),
            ("192.0.2.1", "a", Reason::TokenExpired),
        ]);
        assert_eq!(due.len(), 2);
        let expired = Refused {
            address: Some("192.0.2.1".parse().unwrap()),
            cluster_name: Some("a".to_owned()),
            request_id: Some("3".to_owned()),
        };
        assert_eq!((due[0].count, &due[0].details), (1, &expired));
        let several = Refused { cluster_name: None, request_id: None, ..expired };
        assert_eq!((due[1].count, &due[1].details), (3, &several));
    }

    #[test]
    fn flood_from_many_networks_shares_one_kind() {
        let addresses: Vec<String> = (0..1000).map(|n| format!("10.{}.{}.1", n / 250, n % 250)).collect();
        let all: Vec<_> =
            addresses.iter().map(|address| (address.as_str(), "a", Reason::NoValidProof)).collect();
        let due = noted(&all);
        assert_eq!(due.len(), MAX_KINDS + 1);
        let rest = due.last().unwrap();
        assert_eq!((rest.count, rest.kind.reason), (900, Reason::Several));
    }
}
