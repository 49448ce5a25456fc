//! LISTEN/NOTIFY: a change made by one unit reaches the others within a second.
//!
//! A notification is only a hint. A listener also reads everything again after it lost the connection, and from time
//! to time.

use std::time::Duration;

use fleet::{ClusterUid, CredentialId};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_postgres::Transaction;

use crate::database::connection::takes_writes;
use crate::database::options::CONNECT_TIMEOUT;
use crate::{Store, StoreError};

const CHANNEL: &str = "cluster_manager_changes";
/// How many changes may wait for the listener.
const MAX_QUEUED_CHANGES: usize = 1024;
/// How often the listening connection proves that its server takes writes.
const PROOF_INTERVAL: Duration = Duration::from_secs(5);

/// A change of one cluster, or of who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was enrolled.
    Joined(ClusterUid),
    /// It was removed, or left.
    Removed(ClusterUid),
    /// Its thresholds, description or certificate changed.
    Configured(ClusterUid),
    /// Its health changed.
    HealthChanged(ClusterUid),
    /// A session or a service account ended: what was begun with it must end too.
    CredentialEnded(CredentialId),
}

/// A subscription to changes. It ends when the connection is lost.
pub struct Changes {
    received: mpsc::Receiver<String>,
    /// Dropping the client closes the connection.
    client: tokio_postgres::Client,
    proofs: Interval,
}

/// Notifies every listening unit when the transaction commits.
pub(crate) async fn notify(tx: &Transaction<'_>, change: Change) -> Result<(), StoreError> {
    tx.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &change.to_payload()]).await?;
    Ok(())
}

impl Store {
    /// Subscribes to changes, on a separate connection.
    pub async fn listen(&self) -> Result<Changes, StoreError> {
        let (sender, received) = mpsc::channel(MAX_QUEUED_CHANGES);
        let opened = timeout(2 * CONNECT_TIMEOUT, self.connector.open_with(Some(sender))).await;
        let (client, _) = opened.map_err(|elapsed| StoreError::Unavailable(Box::new(elapsed)))??;
        client.batch_execute(&format!("-- listen()\nLISTEN {CHANNEL}")).await?;
        let mut proofs = interval(PROOF_INTERVAL);
        proofs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Changes { received, client, proofs })
    }
}

impl Changes {
    /// The next change, or `None` when the connection is lost and everything must be read again. That includes a
    /// connection to a server that no longer takes writes, because nothing is notified there.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            tokio::select! {
                payload = self.received.recv() => {
                    if let Some(change) = Change::from_payload(&payload?) {
                        return Some(change);
                    }
                }
                _ = self.proofs.tick() => {
                    let proof = timeout(CONNECT_TIMEOUT, takes_writes(&self.client)).await;
                    if !matches!(proof, Ok(Ok(true))) {
                        tracing::debug!("the connection that listens for changes no longer leads to a primary");
                        return None;
                    }
                }
            }
        }
    }
}

impl Change {
    fn to_payload(self) -> String {
        match self {
            Self::Joined(uid) => format!("joined {uid}"),
            Self::Removed(uid) => format!("removed {uid}"),
            Self::Configured(uid) => format!("configured {uid}"),
            Self::HealthChanged(uid) => format!("judged {uid}"),
            Self::CredentialEnded(CredentialId(digest)) => format!("ended {}", hex::encode(digest)),
        }
    }

    /// `None` for a kind that a newer program added.
    fn from_payload(payload: &str) -> Option<Self> {
        let (kind, id) = payload.split_once(' ')?;
        if kind == "ended" {
            let mut digest = [0; 32];
            hex::decode_to_slice(id, &mut digest).ok()?;
            return Some(Self::CredentialEnded(CredentialId(digest)));
        }
        let uid = id.parse().ok()?;
        match kind {
            "joined" => Some(Self::Joined(uid)),
            "removed" => Some(Self::Removed(uid)),
            "configured" => Some(Self::Configured(uid)),
            "judged" => Some(Self::HealthChanged(uid)),
            _ => None,
        }
    }
}
