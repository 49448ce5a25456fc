//! The account that runs PostgreSQL, which refuses to run as root.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::LocalPostgresError;

/// The account that runs PostgreSQL.
pub(super) enum Account {
    /// The account of this process.
    Own,
    /// Another account, because this process runs as root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Chooses the account and gives it the folder.
    pub(super) fn for_folder(folder: &Path) -> Result<Self, LocalPostgresError> {
        if rustix::process::geteuid().as_raw() != 0 {
            return Ok(Self::Own);
        }
        let (uid, gid) = user_ids("postgres").ok_or(LocalPostgresError::NoUser)?;
        let at = |error| LocalPostgresError::Folder { path: folder.to_owned(), error };
        if folder.metadata().map_err(at)?.uid() != uid {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid)).map_err(at)?;
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(at)?;
        Ok(Self::Other { uid, gid })
    }

    /// Adds what must precede a program to run it as this account. The program may traverse parent folders that are
    /// closed to the account, such as root's home above a checkout.
    pub(super) fn prefix(&self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command
                .args(["setpriv", "--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"])
                .args(["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]);
        }
    }

    /// A command that runs the program as this account.
    pub(super) fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new("env");
        self.prefix(&mut command);
        command.arg(program);
        command
    }
}

fn user_ids(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = entry.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
