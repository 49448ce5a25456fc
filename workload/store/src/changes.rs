//! LISTEN/NOTIFY: what one unit changes, the others hear within a moment.
//!
//! A notification is a hint. Whoever listens also reads everything anew when the connection was lost, and now and
//! then anyway.

use std::future::poll_fn;
use std::pin::pin;

use fleet::ClusterUid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Connection, NoTls, Socket, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::options::CONNECT_TIMEOUT;
use crate::{Store, StoreError};

const CHANNEL: &str = "cluster_manager_changes";

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A cluster was enrolled.
    Joined(ClusterUid),
    /// A cluster was removed or left.
    Removed(ClusterUid),
    /// A cluster's thresholds, description or certificate changed.
    Configured(ClusterUid),
    /// A cluster's health changed.
    Judged(ClusterUid),
}

/// An open ear for changes. Ends (`None`) when the connection is lost.
pub struct Changes {
    received: mpsc::Receiver<Change>,
    /// The connection closes when its client goes.
    _client: tokio_postgres::Client,
}

/// Tells every listening unit, once the transaction commits.
pub(crate) async fn notify(tx: &Transaction<'_>, change: Change) -> Result<(), StoreError> {
    tx.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &change.to_payload()]).await?;
    Ok(())
}

impl Store {
    /// Begins to listen, on a connection of its own.
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
        let (sender, received) = mpsc::channel(1024);
        tokio::spawn(forward(connection, sender));
        client.batch_execute(&format!("-- listen()\nLISTEN {CHANNEL}")).await?;
        Ok(Changes { received, _client: client })
    }
}

impl Changes {
    /// The next change, or `None` when the connection is lost and all must be read anew.
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
                tracing::debug!(%error, "the listening connection to the database was lost");
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
            Self::Judged(uid) => format!("judged {uid}"),
        }
    }

    /// A kind that a newer program added is not ours to understand.
    fn from_payload(payload: &str) -> Option<Self> {
        let (kind, uid) = payload.split_once(' ')?;
        let uid = uid.parse().ok()?;
        match kind {
            "joined" => Some(Self::Joined(uid)),
            "removed" => Some(Self::Removed(uid)),
            "configured" => Some(Self::Configured(uid)),
            "judged" => Some(Self::Judged(uid)),
            _ => None,
        }
    }
}
