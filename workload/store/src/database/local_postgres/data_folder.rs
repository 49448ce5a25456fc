//! The folder of a local PostgreSQL: its data, its password, and its lock file.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
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

/// The role that initialises the data.
pub(super) const SUPERUSER: &str = "postgres";

const PASSWORD: &str = "password";
const SUPERUSER_PASSWORD: &str = "superuser-password";

/// The passwords, which are stored beside the data.
#[derive(Debug)]
pub(super) struct Passwords {
    /// The password of the role that owns the databases.
    pub(super) user: SecretString,
    /// The password of [`SUPERUSER`]; absent in folders of older versions, in which the user was one.
    pub(super) superuser: Option<SecretString>,
}

/// The server's data within the folder.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Creates the data once, and returns the passwords.
pub(super) fn initialise(
    programs: &Path,
    folder: &Path,
    account: &Account,
    durability: Durability,
    user: &str,
) -> Result<Passwords, LocalPostgresError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| LocalPostgresError::Folder { path, error }
    };
    let (password_file, superuser_file) = (folder.join(PASSWORD), folder.join(SUPERUSER_PASSWORD));
    let data = data(folder);
    if data.exists() {
        let user = std::fs::read_to_string(&password_file).map_err(at(&password_file))?;
        let superuser = std::fs::read_to_string(&superuser_file).ok().map(SecretString::from);
        return Ok(Passwords { user: SecretString::from(user), superuser });
    }
    // Created under a temporary name of this process and renamed at the end, so that `data` is always complete.
    let unfinished = folder.join(format!("data.new-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&unfinished);
    let new_password = || SecretString::from(hex::encode(rand::random::<[u8; 16]>()));
    let passwords = Passwords { user: new_password(), superuser: Some(new_password()) };
    write_passwords(folder, account, &passwords)?;
    let create_role =
        format!("CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{}';\n", passwords.user.expose_secret());
    let created = run_initdb(programs, &unfinished, &superuser_file, account, durability)
        .and_then(|()| run_single_user(programs, &unfinished, account, &create_role));
    if let Err(error) = created {
        let _ = std::fs::remove_dir_all(&unfinished);
        let _ = std::fs::remove_file(&password_file);
        let _ = std::fs::remove_file(&superuser_file);
        return Err(error);
    }
    std::fs::rename(&unfinished, &data).map_err(at(&data))?;
    Ok(passwords)
}

/// Stores the passwords beside the data.
pub(super) fn write_passwords(
    folder: &Path,
    account: &Account,
    passwords: &Passwords,
) -> Result<(), LocalPostgresError> {
    let write = |name: &str, password: &SecretString| {
        let path = folder.join(name);
        write_secret(&path, password.expose_secret(), account)
            .map_err(|error| LocalPostgresError::Folder { path, error })
    };
    if let Some(superuser) = &passwords.superuser {
        write(SUPERUSER_PASSWORD, superuser)?;
    }
    write(PASSWORD, &passwords.user)
}

fn run_initdb(
    programs: &Path,
    data: &Path,
    password_file: &Path,
    account: &Account,
    durability: Durability,
) -> Result<(), LocalPostgresError> {
    let mut command = account.command(programs.join("initdb"));
    command.arg("-D").arg(data).arg("--pwfile").arg(password_file).current_dir("/");
    command.args(["--username", SUPERUSER, "--auth", "scram-sha-256"]);
    command.args(["--encoding", "UTF8", "--locale", "C.UTF-8"]);
    if durability == Durability::None {
        command.arg("--no-sync");
    }
    succeeded("initdb", data, command.output())
}

/// Runs one statement in single-user mode, which needs no running server and no password.
fn run_single_user(
    programs: &Path,
    data: &Path,
    account: &Account,
    statement: &str,
) -> Result<(), LocalPostgresError> {
    let mut command = account.command(programs.join("postgres"));
    command.args(["--single", "-c", "log_min_messages=fatal", "-c", "exit_on_error=on"]);
    command.arg("-D").arg(data).arg("postgres").current_dir("/");
    let output =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().and_then(
            |mut process| {
                process.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(statement.as_bytes()))?;
                process.wait_with_output()
            },
        );
    succeeded("postgres --single", data, output)
}

pub(super) fn succeeded(
    program: &'static str,
    data: &Path,
    output: io::Result<Output>,
) -> Result<(), LocalPostgresError> {
    let output = output.map_err(|error| LocalPostgresError::Folder { path: data.to_owned(), error })?;
    if output.status.success() {
        return Ok(());
    }
    Err(LocalPostgresError::Failed { program, output: last_lines(&String::from_utf8_lossy(&output.stderr)) })
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
fn write_secret(path: &Path, text: &str, account: &Account) -> io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    if let Account::Other { uid, gid } = account {
        std::os::unix::fs::fchown(&file, Some(*uid), Some(*gid))?;
    }
    file.write_all(text.as_bytes())
}
