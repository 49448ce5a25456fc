//! The account that runs PostgreSQL, which refuses to run as root.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::error::LocalPostgresError;

/// The account that runs PostgreSQL.
pub(super) enum Account {
    /// The account of this process.
    Own,
    /// Another account, because this process runs as root.
    Other { uid: u32, gid: u32 },
}

/// Where the data are if the account cannot reach the folder that was asked for.
const FALLBACK_FOLDER: &str = "/var/lib/cluster-manager";

impl Account {
    /// Chooses the account, creates the folder and gives it to the account. Returns where the folder really is: elsewhere,
    /// behind a symbolic link, if the account cannot reach it, because a parent folder, such as root's home above a
    /// checkout, is closed to others. The account gets no right to read what it otherwise could not.
    pub(super) fn for_folder(folder: &Path) -> Result<(Self, PathBuf), LocalPostgresError> {
        let at = |error| LocalPostgresError::Folder { path: folder.to_owned(), error };
        std::fs::create_dir_all(folder).map_err(at)?;
        let real = folder.canonicalize().map_err(at)?;
        if rustix::process::geteuid().as_raw() != 0 {
            return Ok((Self::Own, real));
        }
        let (uid, gid) = user_ids("postgres").ok_or(LocalPostgresError::NoUser)?;
        let account = Self::Other { uid, gid };
        let real =
            if account.reaches(&real) { real } else { move_within_reach(folder, &real).map_err(at)? };
        if real.metadata().map_err(at)?.uid() != uid {
            std::os::unix::fs::chown(&real, Some(uid), Some(gid)).map_err(at)?;
        }
        std::fs::set_permissions(&real, Permissions::from_mode(0o700)).map_err(at)?;
        Ok((account, real))
    }

    /// Whether the account can reach the parent of the folder.
    fn reaches(&self, folder: &Path) -> bool {
        let Some(parent) = folder.parent() else { return true };
        let status = self.command(PathBuf::from("test")).arg("-x").arg(parent).status();
        status.is_ok_and(|status| status.success())
    }

    /// Adds what must precede a program to run it as this account, without any capability.
    pub(super) fn prefix(&self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command
                .args(["setpriv", "--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"])
                .args(["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]);
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

/// Moves the folder to where every account can reach it, and leaves a symbolic link.
fn move_within_reach(folder: &Path, real: &Path) -> io::Result<PathBuf> {
    let digest = Sha256::digest(real.as_os_str().as_encoded_bytes());
    let target = Path::new(FALLBACK_FOLDER).join(format!("local-{}", hex::encode(&digest[..8])));
    std::fs::create_dir_all(FALLBACK_FOLDER)?;
    std::fs::set_permissions(FALLBACK_FOLDER, Permissions::from_mode(0o755))?;
    // A folder of this name belongs to data that were removed together with their link.
    if target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    // A rename does not work between file systems.
    let status = Command::new("mv").arg("--no-target-directory").arg(real).arg(&target).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("cannot move it to {}", target.display())));
    }
    std::os::unix::fs::symlink(&target, folder)?;
    Ok(target)
}

fn user_ids(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = entry.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
