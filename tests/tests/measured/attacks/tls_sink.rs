//! A plain TLS sink: it makes the same handshakes as the hub, reads, and discards. What an attack costs the machine at this
//! sink, it costs at any server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use edge::ServerIdentity;
use edge::tls::{ClientCertificates, server_config};
use harness::Program;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// As long as the hub waits for a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// As long as the hub waits for a byte.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Names the folder with the certificate, for the process that is the sink.
const CERTIFICATE: &str = "ATTACK_SINK_CERTIFICATE";
/// The beginning of the line with the addresses.
const READY: &str = "sink ready: ";

/// A running sink, as a process of its own; stopped when dropped.
pub(crate) struct TlsSink {
    /// Where it listens for the connector.
    pub(crate) connector: SocketAddr,
    /// Where it listens for the management API.
    pub(crate) management: SocketAddr,
    /// Where it listens without TLS.
    pub(crate) plain: SocketAddr,
    _program: Program,
}

impl TlsSink {
    /// Starts it with the certificate in this folder.
    pub(crate) async fn start(certificate: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "attacks::tls_sink::plain_tls_sink", "--ignored", "--nocapture"]);
        command.env(CERTIFICATE, certificate);
        let mut program = Program::start(command);
        program.prints("sink ready. ").await;
        let output = program.output();
        let line = output.lines().find_map(|line| line.split_once(READY)).unwrap().1;
        let [connector, management, plain] =
            [0, 1, 2].map(|index| line.split(' ').nth(index).unwrap().parse().unwrap());
        Self { connector, management, plain, _program: program }
    }
}

#[test]
#[ignore = "the sink of the attacks, which start it"]
fn plain_tls_sink() {
    let Some(certificate) = std::env::var_os(CERTIFICATE) else { return };
    let runtime = super::runtime(2);
    let identity = Arc::new(ServerIdentity::load(Path::new(&certificate)).unwrap());
    let acceptor = |certificates, alpn: &[&[u8]]| {
        Some(TlsAcceptor::from(server_config(Arc::clone(&identity), certificates, alpn)))
    };
    let connector = acceptor(ClientCertificates::Requested, &[b"http/1.1"]);
    let management = acceptor(ClientCertificates::NotRequested, &[b"h2", b"http/1.1"]);
    let [connector, management, plain] =
        [connector, management, None].map(|tls| runtime.block_on(listen(tls)));
    println!("{READY}{connector} {management} {plain}\nsink ready. ");
    runtime.block_on(std::future::pending::<()>());
}

async fn listen(tls: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((socket, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => discard(socket).await,
                    Some(tls) => {
                        if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await {
                            discard(stream).await;
                        }
                    }
                }
            });
        }
    });
    address
}

async fn discard(mut stream: impl AsyncRead + Unpin) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(Ok(1..)) = timeout(IDLE_TIMEOUT, stream.read(&mut bytes)).await {}
}
