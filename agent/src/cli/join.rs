//! `cluster-agent join`: enrols this cluster with the hub.

use protocol::text::escaped;

use super::directories::Directories;
use super::error::CliError;
use crate::client::{ClusterClient, Proof};
use crate::lxd::api::{self, Server};
use crate::state::Identity;
use crate::terminal;

pub(super) async fn join(directories: &Directories, token: &str, proof: Proof) -> Result<(), CliError> {
    let state = directories.state()?;
    if let Some(joined) = state.joined()? {
        let hub: Vec<_> = joined.addresses.iter().map(ToString::to_string).collect();
        return Err(CliError::AlreadyJoined { hub: hub.join(", "), name: joined.server_name });
    }
    let cluster = ClusterClient::from_token(token, state.keys(Identity::Cluster)?)?;

    // Check that LXD can be read before the token is used up.
    let lxd = directories.lxd()?;
    api::get::<Server>(&lxd, "/1.0").await?;

    cluster.join(token, proof).await?;
    state.remember(&cluster)?;
    if let Err(error) = lxd.trust_metrics(&state.keys(Identity::Metrics)?).await {
        tracing::warn!(
            %error,
            "cannot add the metrics certificate to LXD's trust store; metrics of other members will be missing"
        );
    }
    let name = escaped(&cluster.name);
    terminal::line(&format!("Joined as \"{name}\". Keep `cluster-agent run` running to send reports."));
    Ok(())
}
