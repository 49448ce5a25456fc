//! `cluster-agent join`: the hub learns the cluster's certificate, the agent learns the hub's.

use super::{CliError, Places};
use crate::client::{Proof, Site};
use crate::lxd::api::{self, Server};
use crate::state::Identity;

pub(super) async fn join(places: &Places, token: &str, proof: Proof) -> Result<(), CliError> {
    let state = places.state()?;
    if let Some(joined) = state.joined()? {
        let hub: Vec<_> = joined.addresses.iter().map(ToString::to_string).collect();
        return Err(CliError::AlreadyJoined { hub: hub.join(", "), name: joined.server_name });
    }
    let site = Site::from_token(token, state.keys(Identity::Cluster)?)?;

    // A cluster that cannot be read has nothing to report: say so before the token is used up.
    let lxd = places.lxd()?;
    api::get::<Server>(&lxd, "/1.0").await?;

    site.join(token, proof).await?;
    state.remember(&site)?;
    if let Err(error) = lxd.trust_metrics(&state.keys(Identity::Metrics)?).await {
        tracing::warn!(%error, "LXD does not trust the metrics certificate: other members' metrics will be missing");
    }
    println!("Joined as {}. Now keep `cluster-agent run` running.", site.name);
    Ok(())
}
