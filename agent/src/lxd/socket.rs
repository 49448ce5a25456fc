//! Answers from the running LXD, over its unix socket and, for other members, over HTTPS.

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

use super::{LxdError, Source};
use crate::client::{CallOptions, Identity, Keys, Trust, call};

/// Where LXD keeps its socket: Debian's package, and the snap.
const USUAL_DIRS: &[&str] = &["/var/lib/lxd", "/var/snap/lxd/common/lxd"];
const TIMEOUT: Duration = Duration::from_secs(30);
/// The name under which the metrics certificate is trusted.
const METRICS_NAME: &str = "cluster-agent-metrics";

/// The LXD on this machine.
#[derive(Debug, Clone)]
pub struct Lxd {
    socket: PathBuf,
    metrics: Identity,
}

impl Lxd {
    /// The LXD whose folder is given, or the one in a usual place.
    pub fn find(dir: Option<&Path>) -> Result<Self, LxdError> {
        let dirs: Vec<&Path> =
            dir.map_or_else(|| USUAL_DIRS.iter().map(Path::new).collect(), |dir| vec![dir]);
        let found = dirs.iter().map(|dir| dir.join("unix.socket")).find(|socket| socket.exists());
        let socket = found.ok_or_else(|| {
            let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            LxdError::NotFound(dirs.join(" or "))
        })?;
        Ok(Self { socket, metrics: Identity::None })
    }

    /// The same LXD, presenting this certificate to other members when asking for their metrics.
    #[must_use]
    pub fn with_metrics_keys(mut self, keys: &Keys) -> Self {
        self.metrics = keys.identity();
        self
    }

    /// Has LXD trust a certificate for reading metrics and nothing else. Fine if it does already.
    pub async fn trust_metrics(&self, keys: &Arc<Keys>) -> Result<(), LxdError> {
        let certificate = STANDARD.encode(keys.certificate());
        let body = serde_json::json!({"type": "metrics", "name": METRICS_NAME, "certificate": certificate});
        let path = format!("/1.0/certificates/{}", keys.fingerprint());
        if self.get(&path).await.is_ok() {
            return Ok(());
        }
        self.ask(Method::POST, "/1.0/certificates", body.to_string().into()).await.map(drop)
    }

    /// Ends the trust in a certificate.
    pub async fn distrust(&self, fingerprint: Fingerprint) -> Result<(), LxdError> {
        self.ask(Method::DELETE, &format!("/1.0/certificates/{fingerprint}"), Bytes::new()).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, LxdError> {
        let unreachable =
            |problem: String| LxdError::Unreachable { socket: self.socket.display().to_string(), problem };
        let (status, body) = tokio::time::timeout(TIMEOUT, converse(&self.socket, method, path, body))
            .await
            .map_err(|_| unreachable(format!("nothing within {} s", TIMEOUT.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        if status.is_success() { Ok(body) } else { Err(refused(path, status, &body)) }
    }
}

impl Source for Lxd {
    async fn get(&self, path: &str) -> Result<Bytes, LxdError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    async fn get_from(
        &self,
        member: &Address,
        certificate: Fingerprint,
        path: &str,
    ) -> Result<Bytes, LxdError> {
        let mut options = CallOptions::new(member.clone());
        options.identity = self.metrics.clone();
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
        loads(&std::fs::read_to_string("/proc/loadavg").ok()?)
    }
}

async fn converse(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder().method(method).uri(path).header("Host", "lxd").body(Full::new(body))?;
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        Ok((parts.status, body.collect().await?.to_bytes()))
    };
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        _ = &mut connection => {}
    }
    answer.await
}

fn refused(path: &str, status: StatusCode, body: &[u8]) -> LxdError {
    let error = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|envelope| envelope.get("error")?.as_str().map(str::to_owned))
        .unwrap_or_default();
    LxdError::Refused { path: path.to_owned(), status: status.as_u16(), error }
}

fn loads(text: &str) -> Option<[f64; 3]> {
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
        assert_eq!(loads("0.42 0.30 0.20 1/345 6789\n"), Some([0.42, 0.3, 0.2]));
        assert_eq!(loads("0.42 x"), None);
    }

    #[test]
    fn a_missing_lxd_is_said_with_the_places_looked_at() {
        let error = Lxd::find(Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert_eq!(
            error,
            "no LXD was found: no unix.socket in /nowhere; is LXD installed? say where with --lxd-dir"
        );
    }

    #[tokio::test]
    async fn answers_and_refusals_come_over_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("unix.socket")).unwrap();
        tokio::spawn(async move {
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{\"error\":\"Not there\"}\n",
            ] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /1.0/x HTTP/1.1\r\n"));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let lxd = Lxd::find(Some(folder.path())).unwrap();
        assert_eq!(lxd.get("/1.0/x").await.unwrap(), "hi");
        let error = lxd.get("/1.0/x").await.unwrap_err().to_string();
        assert_eq!(error, "LXD answered 404 to /1.0/x: Not there");
    }
}
