//! The directories that all commands share.

use std::path::PathBuf;

use clap::Args;

use crate::lxd::{Lxd, LxdError};
use crate::state::{StateDir, StateError};

#[derive(Debug, Args)]
pub(super) struct Directories {
    /// Directory for the keys and the joined hub
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CLUSTER_AGENT_STATE_DIR",
        hide_env_values = true,
        default_value = "/var/lib/cluster-agent"
    )]
    state_dir: PathBuf,

    /// LXD's directory, which contains its unix.socket [default: /var/lib/lxd or /var/snap/lxd/common/lxd]
    #[arg(long, global = true, value_name = "DIR", env = "LXD_DIR", hide_env_values = true)]
    lxd_dir: Option<PathBuf>,
}

impl Directories {
    pub(super) fn state(&self) -> Result<StateDir, StateError> {
        StateDir::open(&self.state_dir)
    }

    pub(super) fn lxd(&self) -> Result<Lxd, LxdError> {
        Lxd::find(self.lxd_dir.as_deref())
    }
}
