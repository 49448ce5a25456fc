//! A database that can fall silent: a proxy before PostgreSQL that accepts connections and passes nothing on while it is
//! closed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::DatabaseOptions;
use store::database::Server;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running gate; stops when dropped.
pub struct DatabaseGate {
    database: DatabaseOptions,
    control: Arc<Control>,
    running: JoinHandle<()>,
}

struct Control {
    is_open: watch::Sender<bool>,
    /// Closes the gate behind the commit of the transaction that contains this text.
    closing_text: Mutex<Option<&'static [u8]>>,
}

impl DatabaseGate {
    /// An open gate before this database.
    pub async fn start(database: &DatabaseOptions) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address: SocketAddr = listener.local_addr().expect("it is bound");
        let behind = (database.servers[0].host.clone(), database.servers[0].port);
        let control = Arc::new(Control { is_open: watch::Sender::new(true), closing_text: Mutex::new(None) });
        let of_connections = control.clone();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, behind.clone(), of_connections.clone()));
            }
        });
        let servers = vec![Server { host: address.ip().to_string(), port: address.port() }];
        let database = DatabaseOptions { servers, ..database.clone() };
        Self { database, control, running }
    }

    /// The database through the gate.
    pub fn database(&self) -> DatabaseOptions {
        self.database.clone()
    }

    /// Passes nothing on from now on.
    pub fn close(&self) {
        self.control.is_open.send_replace(false);
    }

    /// Closes behind the commit of the next transaction in which the client sends this text: PostgreSQL commits it, and
    /// the client does not learn that.
    pub fn close_behind_commit_of(&self, text: &'static [u8]) {
        *self.control.closing_text() = Some(text);
    }

    /// Passes on what waits, and everything after that.
    pub fn open(&self) {
        self.control.is_open.send_replace(true);
    }
}

impl Drop for DatabaseGate {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Control {
    fn closing_text(&self) -> MutexGuard<'_, Option<&'static [u8]>> {
        self.closing_text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(client: TcpStream, behind: (String, u16), control: Arc<Control>) {
    let Ok(server) = TcpStream::connect(behind).await else { return };
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    tokio::select! {
        () = copy(client_reads, server_writes, &control, true) => {}
        () = copy(server_reads, client_writes, &control, false) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    control: &Control,
    is_from_client: bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut has_text = false;
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let chunk = &buffer[..length];
        if control.is_open.subscribe().wait_for(|is_open| *is_open).await.is_err() {
            return;
        }
        if is_from_client {
            let mut text = control.closing_text();
            has_text |= text.is_some_and(|text| contains(chunk, text));
            if has_text && contains(chunk, b"COMMIT") {
                has_text = false;
                *text = None;
                control.is_open.send_replace(false);
            }
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

fn contains(chunk: &[u8], text: &[u8]) -> bool {
    chunk.windows(text.len()).any(|window| window == text)
}
