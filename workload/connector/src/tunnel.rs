//! `GET /1.0/remote-cluster/ws`: the reverse tunnel, which is still to be built.

use edge::{Error, Peer, Response};

use crate::connector::Connector;
use crate::limits::Action;

impl Connector {
    /// 501 for an enrolled cluster, 403 for anybody else.
    pub(crate) async fn tunnel(&self, peer: &Peer) -> Result<Response, Error> {
        self.authenticate(peer, Action::ClusterCall).await?;
        Err(Error::NotImplemented("The tunnel is not available yet".to_owned()))
    }
}
