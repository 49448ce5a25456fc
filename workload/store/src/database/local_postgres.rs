//! Runs a local PostgreSQL for one machine and for tests.
//!
//! It uses the programs installed on the machine, keeps its data in one folder and listens on loopback only. It stops
//! with its owner, even if that is killed: a small shell runs it and waits for the end of a pipe that the owner holds.

mod account;
mod data_folder;
mod error;
mod programs;
mod sql;
#[cfg(feature = "testing")]
mod standby;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::database::options::Server;
use crate::{DatabaseOptions, DatabaseTls};
use account::Account;
use error::last_lines;
use programs::find_programs;

use data_folder::{Passwords, SUPERUSER};

pub use data_folder::Durability;
pub use error::LocalPostgresError;
pub use sql::create_database;
#[cfg(feature = "testing")]
pub(crate) use sql::query;

/// How long PostgreSQL may take to start. After a crash it first replays its log.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a starting server is asked whether it is ready.
const READY_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The role that owns the databases. It is no superuser: a superuser can run programs as the server's account.
const USER: &str = "cluster_manager";
/// Runs the server until it exits or standard input ends, and in the latter case stops it, closing its connections.
const RUN_UNTIL_THE_PIPE_CLOSES: &str = r#""$@" </dev/null & server=$!
(cat >/dev/null; kill -INT $server 2>/dev/null) <&3 & watcher=$!
wait $server; status=$?; kill $watcher 2>/dev/null; exit $status"#;

/// A running local PostgreSQL. Dropping it stops it.
#[derive(Debug)]
pub struct LocalPostgres {
    process: Child,
    port: u16,
    passwords: Passwords,
}

impl LocalPostgres {
    /// Starts the server on the data in `folder`, which is created if it does not exist, on `port` or a free port.
    pub fn start(
        folder: &Path,
        port: Option<u16>,
        durability: Durability,
    ) -> Result<Self, LocalPostgresError> {
        let programs = find_programs().ok_or(LocalPostgresError::NotInstalled)?;
        let at = |error| LocalPostgresError::Folder { path: folder.to_owned(), error };
        let (account, folder) = Account::for_folder(folder)?;
        let folder = folder.as_path();
        let passwords = data_folder::initialise(&programs, folder, &account, durability, USER)?;
        let port = port.map_or_else(free_port, Ok).map_err(at)?;
        let log = folder.join("postgresql.log");
        let log_file = std::fs::File::create(&log).map_err(at)?;
        data_folder::wait_for_previous_server(folder, START_TIMEOUT);
        let mut command = server_command(&programs, folder, &account, port, durability);
        command.stdout(log_file.try_clone().map_err(at)?).stderr(log_file);
        let process = command.spawn().map_err(at)?;
        let mut postgres = Self { process, port, passwords };
        postgres.wait_until_ready(&programs, log)?;
        Ok(postgres)
    }

    /// How to connect to one of its databases.
    pub fn options(&self, database: &str) -> DatabaseOptions {
        DatabaseOptions {
            servers: vec![Server { host: Ipv4Addr::LOCALHOST.to_string(), port: self.port }],
            user: USER.to_owned(),
            password: self.passwords.user.clone(),
            name: database.to_owned(),
            max_open: 16,
            tls: DatabaseTls::Disabled,
        }
    }

    /// How to connect to one of its databases as a superuser; `None` for data of a version that did not keep the password.
    pub fn superuser_options(&self, database: &str) -> Option<DatabaseOptions> {
        let password = self.passwords.superuser.clone()?;
        Some(DatabaseOptions { user: SUPERUSER.to_owned(), password, ..self.options(database) })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of the shell that runs the server.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Stops the server, closing its connections.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }

    fn wait_until_ready(&mut self, programs: &Path, log: PathBuf) -> Result<(), LocalPostgresError> {
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            if let Ok(Some(_)) = self.process.try_wait() {
                let output = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(LocalPostgresError::Failed { program: "postgres", output: last_lines(&output) });
            }
            let ready = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-d", "postgres", "-p", &self.port.to_string()])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(READY_POLL_INTERVAL);
        }
        Err(LocalPostgresError::NotStarted(log))
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn server_command(
    programs: &Path,
    folder: &Path,
    account: &Account,
    port: u16,
    durability: Durability,
) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 3<&0; {RUN_UNTIL_THE_PIPE_CLOSES}"), "sh"]);
    account.prefix(&mut command);
    command
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(data_folder::data(folder))
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "max_connections=200", "-c", "log_min_messages=warning", "-c", "jit=off"])
        .current_dir("/")
        // Ctrl-C must reach only the owner, which needs the database to finish its work before it stops the server.
        .process_group(0)
        .stdin(Stdio::piped());
    if durability == Durability::None {
        command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]);
    }
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
