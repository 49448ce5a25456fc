//! `cluster-agent leave`: the hub forgets the cluster, and the agent the hub.

use http::StatusCode;

use super::{CliError, Places};
use crate::client;
use crate::state::{Identity, StateDir};

pub(super) async fn leave(places: &Places, force: bool) -> Result<(), CliError> {
    let state = places.state()?;
    let joined = state.joined()?.ok_or(CliError::NotJoined)?;
    match client::leave(&state.site(&joined)?).await {
        Ok(_) => println!("Left the hub."),
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => {
            println!("The hub did not know this cluster any more.");
        }
        Err(error) if force => {
            println!("The hub could not be told ({error}); it is forgotten here all the same.");
        }
        Err(error) => return Err(CliError::CannotTell(error)),
    }
    state.forget()?;
    distrust_metrics(places, &state).await;
    Ok(())
}

/// Not worth an error: the certificate opens nothing but the metrics, and its key stays here.
async fn distrust_metrics(places: &Places, state: &StateDir) {
    let (Ok(lxd), Ok(keys)) = (places.lxd(), state.keys(Identity::Metrics)) else { return };
    if let Err(error) = lxd.distrust(keys.fingerprint()).await {
        tracing::info!(%error, "LXD still trusts the metrics certificate");
    }
}
