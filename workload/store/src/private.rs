//! A PostgreSQL of one's own: for one machine without a database, and for tests.
//!
//! Its programs are found on the machine; its data lie in a folder of ours; it listens on loopback only and goes
//! when we go, however we go: it is run by a small shell that waits for the end of a pipe which we hold.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{DatabaseOptions, DatabaseTls, StoreError};

/// How long PostgreSQL may take to start; after a crash it first reads its log.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The oldest PostgreSQL that we run on.
const OLDEST: u32 = 14;
/// The user that owns everything in it.
const USER: &str = "cluster_manager";
/// Runs the server until it ends or standard input does, then stops it with everything that it was doing.
const UNTIL_THE_PIPE_CLOSES: &str = r#""$@" </dev/null & server=$!
(cat >/dev/null; kill -INT $server 2>/dev/null) <&3 & watcher=$!
wait $server; status=$?; kill $watcher 2>/dev/null; exit $status"#;

/// A running private PostgreSQL. Dropping it stops it.
#[derive(Debug)]
pub struct PrivatePostgres {
    process: Child,
    port: u16,
    password: SecretString,
}

/// How careful it is with its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What is committed survives a crash of the machine.
    Full,
    /// What is committed survives a crash of the programs, not of the machine: for tests.
    None,
}

/// Why there is no private PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// The programs are not installed.
    #[error(
        "PostgreSQL {OLDEST} or newer is not installed: on Debian or Ubuntu run `apt-get install postgresql`"
    )]
    NotInstalled,
    /// As root another user must run it, and there is none.
    #[error("PostgreSQL does not run as root, and there is no user `postgres` to run it as")]
    NoUser,
    /// A program of PostgreSQL's failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// The end of what it said.
        output: String,
    },
    /// It did not answer in time.
    #[error("PostgreSQL did not start; see {0}")]
    NotStarted(PathBuf),
    /// The folder cannot be used.
    #[error("{path}: {error}")]
    Folder {
        /// Which folder or file.
        path: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
}

impl PrivatePostgres {
    /// Starts it on data in `folder`, which is made when it is not there, on `port` or a free one.
    pub fn start(folder: &Path, port: Option<u16>, durability: Durability) -> Result<Self, PrivateError> {
        let programs = find_programs().ok_or(PrivateError::NotInstalled)?;
        let at = |error| PrivateError::Folder { path: folder.to_owned(), error };
        std::fs::create_dir_all(folder).map_err(at)?;
        let folder = &folder.canonicalize().map_err(at)?;
        let account = Account::for_folder(folder)?;
        let password = initialise(&programs, folder, &account, durability)?;
        let port = port.map_or_else(free_port, Ok).map_err(at)?;
        let data = folder.join("data");
        let log = folder.join("postgresql.log");
        let log_file = std::fs::File::create(&log).map_err(at)?;
        wait_for_former_server(&data);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 3<&0; {UNTIL_THE_PIPE_CLOSES}"), "sh"]);
        account.prefix(&mut command);
        command
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ])
            .args(["-c", "max_connections=200", "-c", "log_min_messages=warning", "-c", "jit=off"])
            .current_dir("/")
            // Ctrl-C is for us: we finish what was accepted, which needs the database, and then stop it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone().map_err(at)?)
            .stderr(log_file);
        if durability == Durability::None {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]);
        }
        let process = command.spawn().map_err(at)?;
        let mut postgres = Self { process, port, password };
        postgres.wait_until_it_answers(&programs, log)?;
        Ok(postgres)
    }

    /// How to reach one of its databases.
    pub fn options(&self, database: &str) -> DatabaseOptions {
        DatabaseOptions {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
            user: USER.to_owned(),
            password: self.password.clone(),
            name: database.to_owned(),
            max_open: 16,
            tls: DatabaseTls::Disabled,
        }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that runs it: the small shell, whose child the server is.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Stops it, cutting its connections.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }

    fn wait_until_it_answers(&mut self, programs: &Path, log: PathBuf) -> Result<(), PrivateError> {
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            if let Ok(Some(_)) = self.process.try_wait() {
                let output = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(PrivateError::Failed { program: "postgres", output: tail(&output) });
            }
            let ready = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-d", "postgres", "-p", &self.port.to_string()])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(PrivateError::NotStarted(log))
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a database unless it is there; `options` lead to another one of the same server.
pub async fn create_database(options: &DatabaseOptions, name: &str) -> Result<(), StoreError> {
    let literal = name.replace('\'', "''");
    if !query(options, &format!("SELECT 1 FROM pg_database WHERE datname = '{literal}'")).await?.is_empty() {
        return Ok(());
    }
    let identifier = name.replace('"', "\"\"");
    query(options, &format!("CREATE DATABASE \"{identifier}\"")).await.map(|_| ())
}

/// Runs SQL on a connection of its own; answers the first column of each row, as text.
pub(crate) async fn query(options: &DatabaseOptions, sql: &str) -> Result<Vec<String>, StoreError> {
    let (client, connection) = options.to_config().connect(tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    drop(client);
    // Its only news is that the client has gone.
    let _ = connection.await;
    let first = |message: &tokio_postgres::SimpleQueryMessage| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    };
    Ok(messages.iter().filter_map(first).collect())
}

/// As whom PostgreSQL runs: it refuses to run as root.
enum Account {
    Ourselves,
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Hands the folder to the account that will use it.
    fn for_folder(folder: &Path) -> Result<Self, PrivateError> {
        if rustix::process::geteuid().as_raw() != 0 {
            return Ok(Self::Ourselves);
        }
        let (uid, gid) = user_ids("postgres").ok_or(PrivateError::NoUser)?;
        let at = |error| PrivateError::Folder { path: folder.to_owned(), error };
        if folder.metadata().map_err(at)?.uid() != uid {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid)).map_err(at)?;
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(at)?;
        Ok(Self::Other { uid, gid })
    }

    /// The words before a command that make it run as this account. It may pass through folders above its own that
    /// are closed to it, as a checkout below root's home is.
    fn prefix(&self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command
                .args(["setpriv", "--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"])
                .args(["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]);
        }
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new("env");
        self.prefix(&mut command);
        command.arg(program);
        command
    }
}

/// Makes the data folder once; the password is kept beside it.
fn initialise(
    programs: &Path,
    folder: &Path,
    account: &Account,
    durability: Durability,
) -> Result<SecretString, PrivateError> {
    let password_file = folder.join("password");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| PrivateError::Folder { path, error }
    };
    let data = folder.join("data");
    if data.exists() {
        let password = std::fs::read_to_string(&password_file).map_err(at(&password_file))?;
        return Ok(SecretString::from(password));
    }
    // Made under another name, of this process alone, and renamed when done: what is called data is whole.
    let unfinished = folder.join(format!("data.new-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&unfinished);
    let password = SecretString::from(hex::encode(rand::random::<[u8; 16]>()));
    write_private(&password_file, password.expose_secret()).map_err(at(&password_file))?;
    if let Account::Other { uid, gid } = account {
        std::os::unix::fs::chown(&password_file, Some(*uid), Some(*gid)).map_err(at(&password_file))?;
    }
    let mut command = account.command(programs.join("initdb"));
    command.arg("-D").arg(&unfinished).arg("--pwfile").arg(&password_file).current_dir("/");
    command.args([
        "--username",
        USER,
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
    Err(PrivateError::Failed { program: "initdb", output: tail(&String::from_utf8_lossy(&output.stderr)) })
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The folder with PostgreSQL's programs: on the path, or where Debian and Ubuntu put the newest version.
fn find_programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    on_path
        .chain(debian)
        .filter(|folder| {
            ["postgres", "initdb", "pg_isready"].iter().all(|program| folder.join(program).exists())
        })
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .filter(|(version, _)| *version >= OLDEST)
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| folder)
}

fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_ascii_whitespace().nth(2)?.split('.').next()?.parse().ok()
}

fn user_ids(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = entry.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A server whose owner was killed a moment ago is still stopping. The lock file of one that was killed itself names a
/// process that is gone, or is somebody else's by now.
fn wait_for_former_server(data: &Path) {
    let file = data.join("postmaster.pid");
    let began = Instant::now();
    while is_running(&file, data) && began.elapsed() < START_TIMEOUT {
        std::thread::sleep(Duration::from_millis(50));
    }
    if !is_running(&file, data) {
        let _ = std::fs::remove_file(&file);
    }
}

/// Whether the process that the lock file names is a server on this data.
fn is_running(lock_file: &Path, data: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(lock_file) else { return false };
    let Some(process) = text.lines().next() else { return false };
    let command = std::fs::read(format!("/proc/{}/cmdline", process.trim())).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(&*data.to_string_lossy())
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
