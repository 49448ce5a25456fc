//! `DELETE /1.0/remote-cluster`: a cluster leaves.

use edge::{Error, Peer, RequestId, Response, response};
use fleet::{Actor, ActorKind};

use crate::connector::Connector;
use crate::errors::from_store;
use crate::join::origin;
use crate::limits::Action;

impl Connector {
    /// Removes the cluster. A second call is a 403, because the certificate is no longer known.
    pub(crate) async fn leave(&self, peer: &Peer, id: RequestId) -> Result<Response, Error> {
        let cluster = self.authenticate(peer, Action::ClusterCall).await?;
        let actor =
            Actor { kind: ActorKind::Cluster, id: cluster.uid.to_string(), name: cluster.name.to_string() };
        let left = self.store.leave(cluster.uid, &origin(actor, peer, id)).await.map_err(from_store)?;
        self.identities.forget(cluster.uid);
        if !left {
            return Err(Error::Forbidden);
        }
        tracing::info!(cluster = %cluster.uid, name = %cluster.name, "a cluster left");
        Ok(response::success(()))
    }
}
