//! `cluster-agent leave`: removes this cluster from its hub.

use http::StatusCode;

use super::directories::Directories;
use super::error::CliError;
use crate::client;
use crate::state::{Identity, StateDir};
use crate::terminal;

pub(super) async fn leave(directories: &Directories, force: bool) -> Result<(), CliError> {
    let state = directories.state()?;
    let joined = state.joined()?.ok_or(CliError::NotJoined)?;
    match client::leave(&state.cluster(&joined)?).await {
        Ok(_) => terminal::line("Left the hub."),
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => {
            terminal::line("The hub no longer knew this cluster.");
        }
        Err(error) if force => {
            terminal::line(&format!(
                "Forgot the hub without leaving it ({error}). Remove the cluster on the hub as well."
            ));
        }
        Err(error) => return Err(CliError::Leave(error)),
    }
    state.forget()?;
    distrust_metrics(directories, &state).await;
    Ok(())
}

/// Removes the metrics certificate from LXD. A failure is only logged: the certificate allows nothing but reading
/// metrics, and its key stays on this machine.
async fn distrust_metrics(directories: &Directories, state: &StateDir) {
    let (Ok(lxd), Ok(keys)) = (directories.lxd(), state.keys(Identity::Metrics)) else { return };
    if let Err(error) = lxd.distrust(keys.fingerprint()).await {
        tracing::info!(%error, "cannot remove the metrics certificate from LXD's trust store");
    }
}
