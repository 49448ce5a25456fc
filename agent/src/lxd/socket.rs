//! The running LXD as a source: over its Unix socket, and over HTTPS for other members.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use protocol::{Address, Fingerprint};
use tokio::net::UnixStream;

use super::api::{LxdError, Source};
use crate::client::{CallOptions, Identity, Keys, Trust, call};

/// LXD's directories in Debian's package and in the snap.
const DEFAULT_DIRS: &[&str] = &["/var/lib/lxd", "/var/snap/lxd/common/lxd"];
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The name of the metrics certificate in LXD's trust store.
const METRICS_CERTIFICATE_NAME: &str = "cluster-agent-metrics";

/// The LXD on this machine.
#[derive(Debug, Clone)]
pub struct Lxd {
    socket: PathBuf,
    metrics_identity: Identity,
}

impl Lxd {
    /// Finds LXD in the given directory, or in the default ones.
    pub fn find(dir: Option<&Path>) -> Result<Self, LxdError> {
        let dirs: Vec<&Path> =
            dir.map_or_else(|| DEFAULT_DIRS.iter().map(Path::new).collect(), |dir| vec![dir]);
        let found = dirs.iter().map(|dir| dir.join("unix.socket")).find(|socket| socket.exists());
        let socket = found.ok_or_else(|| {
            let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            LxdError::NotFound(dirs.join(" or "))
        })?;
        Ok(Self { socket, metrics_identity: Identity::None })
    }

    /// Sets the client certificate for reading the metrics of other members.
    #[must_use]
    pub fn with_metrics_keys(mut self, keys: &Keys) -> Self {
        self.metrics_identity = keys.identity();
        self
    }

    /// Adds a certificate to LXD's trust store that may only read metrics. An existing one is not an error.
    pub async fn trust_metrics(&self, keys: &Arc<Keys>) -> Result<(), LxdError> {
        let certificate = STANDARD.encode(keys.certificate());
        let body = serde_json::json!({"type": "metrics", "name": METRICS_CERTIFICATE_NAME, "certificate": certificate});
        let path = format!("/1.0/certificates/{}", keys.fingerprint());
        if self.get(&path).await.is_ok() {
            return Ok(());
        }
        self.request(Method::POST, "/1.0/certificates", body.to_string().into()).await.map(drop)
    }

    /// Removes a certificate from LXD's trust store.
    pub async fn distrust(&self, fingerprint: Fingerprint) -> Result<(), LxdError> {
        self.request(Method::DELETE, &format!("/1.0/certificates/{fingerprint}"), Bytes::new())
            .await
            .map(drop)
    }

    async fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, LxdError> {
        let unreachable =
            |problem: String| LxdError::Unreachable { socket: self.socket.display().to_string(), problem };
        let (status, body) =
            tokio::time::timeout(REQUEST_TIMEOUT, send_request(&self.socket, method, path, body))
                .await
                .map_err(|_| unreachable(format!("timeout after {} s", REQUEST_TIMEOUT.as_secs())))?
                .map_err(|error| unreachable(error.to_string()))?;
        if status.is_success() { Ok(body) } else { Err(refused(path, status, &body)) }
    }
}

impl Source for Lxd {
    async fn get(&self, path: &str) -> Result<Bytes, LxdError> {
        self.request(Method::GET, path, Bytes::new()).await
    }

    async fn get_from(
        &self,
        member: &Address,
        certificate: Fingerprint,
        path: &str,
    ) -> Result<Bytes, LxdError> {
        let mut options = CallOptions::new(member.clone());
        options.identity = self.metrics_identity.clone();
        options.trust = Trust::Fingerprint(certificate);
        path.clone_into(&mut options.path);
        let response = call(options).await?;
        if response.status.is_success() {
            Ok(response.body)
        } else {
            Err(refused(&format!("{}{path}", member.https_url()), response.status, &response.body))
        }
    }

    fn local_loads(&self) -> Option<[f64; 3]> {
        parse_loads(&std::fs::read_to_string("/proc/loadavg").ok()?)
    }
}

async fn send_request(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder().method(method).uri(path).header("Host", "lxd").body(Full::new(body))?;
    let response = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        Ok((parts.status, body.collect().await?.to_bytes()))
    };
    let (mut response, mut connection) = (pin!(response), pin!(connection));
    tokio::select! {
        biased;
        response = &mut response => return response,
        _ = &mut connection => {}
    }
    response.await
}

fn refused(path: &str, status: StatusCode, body: &[u8]) -> LxdError {
    let error = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|envelope| envelope.get("error")?.as_str().map(str::to_owned))
        .unwrap_or_default();
    LxdError::Refused { path: path.to_owned(), status: status.as_u16(), error }
}

/// Parses the first three numbers of `/proc/loadavg`.
fn parse_loads(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split_ascii_whitespace().map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    #[test]
    fn loads_are_the_first_three_numbers() {
        assert_eq!(parse_loads("0.42 0.30 0.20 1/345 6789\n"), Some([0.42, 0.3, 0.2]));
        assert_eq!(parse_loads("0.42 x"), None);
    }

    #[test]
    fn error_names_the_directories_without_lxd() {
        let error = Lxd::find(Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot find LXD: no unix.socket in /nowhere; install LXD or pass its directory with --lxd-dir"
        );
    }

    #[tokio::test]
    async fn responses_and_errors_come_over_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("unix.socket")).unwrap();
        tokio::spawn(async move {
            for response in [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{\"error\":\"Not there\"}\n",
            ] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /1.0/x HTTP/1.1\r\n"));
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        });
        let lxd = Lxd::find(Some(folder.path())).unwrap();
        assert_eq!(lxd.get("/1.0/x").await.unwrap(), "hi");
        let error = lxd.get("/1.0/x").await.unwrap_err().to_string();
        assert_eq!(error, "LXD responded to /1.0/x with 404: Not there");
    }
}
