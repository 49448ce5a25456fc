//! The folder of a local PostgreSQL: its data, its password, and its lock file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};

use super::account::Account;
use super::error::{LocalPostgresError, last_lines};

/// How often the lock file of the previous server is read while waiting for that server.
const LOCK_FILE_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What committed data survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the machine.
    Full,
    /// A crash of the programs, but not of the machine: for tests.
    None,
}

/// The server's data within the folder.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Creates the data once, and returns the password, which is stored beside it.
pub(super) fn initialise(
    programs: &Path,
    folder: &Path,
    account: &Account,
    durability: Durability,
    user: &str,
) -> Result<SecretString, LocalPostgresError> {
    let password_file = folder.join("password");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| LocalPostgresError::Folder { path, error }
    };
    let data = data(folder);
    if data.exists() {
        let password = std::fs::read_to_string(&password_file).map_err(at(&password_file))?;
        return Ok(SecretString::from(password));
    }
    // Created under a temporary name of this process and renamed at the end, so that `data` is always complete.
    let unfinished = folder.join(format!("data.new-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&unfinished);
    let password = SecretString::from(hex::encode(rand::random::<[u8; 16]>()));
    write_secret(&password_file, password.expose_secret()).map_err(at(&password_file))?;
    if let Account::Other { uid, gid } = account {
        std::os::unix::fs::chown(&password_file, Some(*uid), Some(*gid)).map_err(at(&password_file))?;
    }
    let mut command = account.command(programs.join("initdb"));
    command.arg("-D").arg(&unfinished).arg("--pwfile").arg(&password_file).current_dir("/");
    command.args([
        "--username",
        user,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
    ]);
    if durability == Durability::None {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(at(folder))?;
    if output.status.success() {
        std::fs::rename(&unfinished, &data).map_err(at(&data))?;
        return Ok(password);
    }
    let _ = std::fs::remove_dir_all(&unfinished);
    let _ = std::fs::remove_file(&password_file);
    let output = last_lines(&String::from_utf8_lossy(&output.stderr));
    Err(LocalPostgresError::Failed { program: "initdb", output })
}

/// Waits until the previous server on this data has stopped, and removes its lock file.
///
/// A server whose owner was killed may still be stopping. If the server itself was killed, its lock file names a
/// process that no longer exists, or another program by now.
pub(super) fn wait_for_previous_server(folder: &Path, timeout: Duration) {
    let data = data(folder);
    let lock_file = data.join("postmaster.pid");
    let began = Instant::now();
    while is_running(&lock_file, &data) && began.elapsed() < timeout {
        std::thread::sleep(LOCK_FILE_POLL_INTERVAL);
    }
    if !is_running(&lock_file, &data) {
        let _ = std::fs::remove_file(&lock_file);
    }
}

/// Whether the process named in the lock file is a server on this data.
fn is_running(lock_file: &Path, data: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(lock_file) else { return false };
    let Some(process) = text.lines().next() else { return false };
    let command = std::fs::read(format!("/proc/{}/cmdline", process.trim())).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(&*data.to_string_lossy())
}

/// Writes a file that only this account can read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
