//! The errors of the commands, as standard error shows them.

use protocol::text::escaped;

use crate::client::ClientError;
use crate::lxd::LxdError;
use crate::state::StateError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("this cluster has not joined a hub: run `cluster-agent join TOKEN` first")]
    NotJoined,
    #[error(
        "this cluster has already joined {hub} as \"{}\": run `cluster-agent leave` first",
        escaped(name)
    )]
    AlreadyJoined { hub: String, name: String },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Lxd(#[from] LxdError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("cannot read the token: {0}")]
    Token(#[from] std::io::Error),
    #[error("cannot leave the hub: {0}\nRun `cluster-agent leave --force` to forget the hub anyway.")]
    Leave(ClientError),
}
