//! `GET /1.0/remote-cluster/ws`: the reverse tunnel, which is not implemented yet.

use edge::{Error, Peer, Response};

use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::limits::Action;

impl Connector {
    /// 501 for an enrolled cluster, otherwise 403.
    pub(crate) async fn tunnel(&self, peer: &Peer) -> Result<Response, Error> {
        self.authenticate(peer, Action::ClusterCall, &mut Deadline::of_call()).await?;
        Err(Error::NotImplemented("The tunnel is not available yet".to_owned()))
    }
}
