//! `DELETE /1.0/remote-cluster`: a cluster leaves.

use edge::{Error, Response};
use fleet::{Actor, ActorKind};

use crate::call::Call;
use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::errors::from_store;
use crate::join::origin;
use crate::limits::Action;

impl Connector {
    /// Removes the cluster. A second call is a 403, because the certificate is no longer known.
    pub(crate) async fn leave(&self, call: &Call) -> Result<Response, Error> {
        let mut deadline = Deadline::of_call();
        let cluster = self.authenticate(&call.peer, Action::ClusterCall, &mut deadline).await?;
        let actor =
            Actor { kind: ActorKind::Cluster, id: cluster.uid.to_string(), name: cluster.name.to_string() };
        let origin = origin(actor, &call.peer, call.id);
        // One transaction: when the time is up, it is rolled back, or it was already being committed. Then the next call is
        // a 403, as every call of a cluster that has left.
        let left = deadline.within(self.store.leave(cluster.uid, &origin)).await?.map_err(from_store)?;
        self.identities.forget(cluster.uid);
        if !left {
            return Err(Error::Forbidden);
        }
        tracing::info!(cluster = %cluster.uid, name = %cluster.name, "a cluster left");
        Ok(call.caller.success(()))
    }
}
