//! LISTEN/NOTIFY: a change made by one unit reaches the others within a second.
//!
//! A notification is only a hint. A listener also reads everything again after it lost the connection, and from time
//! to time.

use std::future::poll_fn;
use std::pin::pin;

use fleet::{ClusterUid, CredentialId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Connection, NoTls, Socket, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::options::CONNECT_TIMEOUT;
use crate::{Store, StoreError};

const CHANNEL: &str = "cluster_manager_changes";
/// How many changes may wait for the listener.
const MAX_QUEUED_CHANGES: usize = 1024;

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
    received: mpsc::Receiver<Change>,
    /// Dropping the client closes the connection.
    _client: tokio_postgres::Client,
}

/// Notifies every listening unit when the transaction commits.
pub(crate) async fn notify(tx: &Transaction<'_>, change: Change) -> Result<(), StoreError> {
    tx.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &change.to_payload()]).await?;
    Ok(())
}

impl Store {
    /// Subscribes to changes, on a separate connection.
    pub async fn listen(&self) -> Result<Changes, StoreError> {
        let tls = self.options.tls_client().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        match tls {
            None => self.listen_over(NoTls).await,
            Some(tls) => self.listen_over(MakeRustlsConnect::new(tls)).await,
        }
    }

    async fn listen_over<T>(&self, tls: T) -> Result<Changes, StoreError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = self.options.to_config();
        let connected = timeout(2 * CONNECT_TIMEOUT, config.connect(tls)).await;
        let (client, connection) =
            connected.map_err(|elapsed| StoreError::Unavailable(Box::new(elapsed)))??;
        let (sender, received) = mpsc::channel(MAX_QUEUED_CHANGES);
        tokio::spawn(forward(connection, sender));
        client.batch_execute(&format!("-- listen()\nLISTEN {CHANNEL}")).await?;
        Ok(Changes { received, _client: client })
    }
}

impl Changes {
    /// The next change, or `None` when the connection is lost and everything must be read again.
    pub async fn next(&mut self) -> Option<Change> {
        self.received.recv().await
    }
}

async fn forward<S, T>(mut connection: Connection<S, T>, sender: mpsc::Sender<Change>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let message = {
            let mut next = pin!(poll_fn(|context| connection.poll_message(context)));
            next.as_mut().await
        };
        match message {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                let Some(change) = Change::from_payload(notification.payload()) else { continue };
                if sender.send(change).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "lost the connection that listens for changes");
                return;
            }
            None => return,
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
