//! One request to a sink, and what its response means.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::text::escaped;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::remote_write::{self, Batch};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an error response is read, in bytes.
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// How much of an error response is logged, in characters.
const MAX_LOGGED_ERROR_CHARS: usize = 300;

/// The credentials for a sink.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// No credentials.
    #[default]
    None,
    /// A token.
    Bearer(SecretString),
    /// A user name and a password.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: SecretString,
    },
}

/// The address of a sink, and how to reach it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The full remote-write URL, `http` or `https`. Its user and password are the credentials if there are no others.
    pub url: Url,
    /// CAs that are trusted in addition to the system's, in PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The credentials.
    pub credentials: Credentials,
    /// The timeout of a request.
    pub timeout: Duration,
}

/// The address, credentials or certificate authorities of a sink are invalid.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The sink accepted the samples.
    Accepted,
    /// The sink refuses something in the batch. Without it, the rest is accepted.
    Refused(String),
    /// The sink refuses everything that is sent to it.
    Misdirected(String),
    /// The request must be sent again later.
    Retry { why: String, retry_after: Option<Duration> },
}

pub(crate) struct Sender {
    url: Url,
    client: Client,
    headers: HeaderMap,
}

impl Sender {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, InvalidEndpoint> {
        let invalid = |problem: String| InvalidEndpoint(problem);
        let mut url = endpoint.url.clone();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the URL of a sink must begin with http:// or https://".to_owned()));
        }
        let credentials = match &endpoint.credentials {
            Credentials::None => from_url(&url),
            others => others.clone(),
        };
        // It cannot fail for these two schemes.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let client = client(endpoint, &url)?;
        let headers = headers(&credentials)
            .map_err(|()| invalid("the credentials contain characters that cannot be sent".to_owned()))?;
        Ok(Self { url, client, headers })
    }

    pub(crate) async fn send(&self, batch: &Batch) -> Delivery {
        let request =
            self.client.post(self.url.clone()).headers(self.headers.clone()).body(batch.body.clone());
        match request.send().await {
            Ok(response) => judge(response).await,
            // The URL may contain secrets.
            Err(error) => Delivery::Retry { why: chain(&error.without_url()), retry_after: None },
        }
    }
}

fn client(endpoint: &Endpoint, url: &Url) -> Result<Client, InvalidEndpoint> {
    let builder = || {
        let builder = Client::builder()
            // A redirect could lead our credentials to another host.
            .redirect(Policy::none())
            // With HTTP/1.1, a request that times out closes its connection. An HTTP/2 connection would stay open, and all
            // further requests would go to a sink that may no longer be there.
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT.min(endpoint.timeout))
            .timeout(endpoint.timeout);
        // A proxy cannot reach ports of this machine.
        if is_loopback(url) { builder.no_proxy() } else { builder }
    };
    tls_client::http_client(endpoint.extra_ca_pem.as_deref(), builder)
        .map_err(|error| InvalidEndpoint(error.to_string()))
}

fn headers(credentials: &Credentials) -> Result<HeaderMap, ()> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(remote_write::CONTENT_TYPE));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(remote_write::CONTENT_ENCODING));
    let (name, version) = remote_write::VERSION;
    headers.insert(name, HeaderValue::from_static(version));
    let program = concat!("cluster-manager/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(program));
    let authorization = match credentials {
        Credentials::None => return Ok(headers),
        Credentials::Bearer(token) => format!("Bearer {}", token.expose_secret().trim()),
        Credentials::Basic { user, password } => {
            let pair = format!("{user}:{}", password.expose_secret());
            format!("Basic {}", STANDARD.encode(pair))
        }
    };
    let mut value = HeaderValue::try_from(authorization).map_err(|_| ())?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(headers)
}

fn from_url(url: &Url) -> Credentials {
    if url.username().is_empty() && url.password().is_none() {
        return Credentials::None;
    }
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = SecretString::from(decoded(url.password().unwrap_or_default()));
    Credentials::Basic { user: decoded(url.username()), password }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn judge(response: Response) -> Delivery {
    let status = response.status();
    if status.is_success() {
        // Read to the end so that the connection can be reused.
        let _ = response.bytes().await;
        return Delivery::Accepted;
    }
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let why = format!("{status} {}", first_line(response).await);
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Delivery::Retry { why, retry_after },
        status if status.is_server_error() => Delivery::Retry { why, retry_after },
        // These statuses concern the samples. All others concern us or the address.
        StatusCode::BAD_REQUEST
        | StatusCode::CONFLICT
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Delivery::Refused(why),
        _ => Delivery::Misdirected(why),
    }
}

/// Reads `Retry-After`: seconds or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

/// The beginning of the body, as one line.
async fn first_line(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR_BYTES {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    escaped(text.trim()).chars().take(MAX_LOGGED_ERROR_CHARS).collect()
}

/// An error and its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let after = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, now)
        };
        assert_eq!(after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:47 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:07 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn credentials_are_removed_from_the_url() {
        let endpoint = |url: &str, credentials| Endpoint {
            url: url.parse().unwrap(),
            extra_ca_pem: None,
            credentials,
            timeout: Duration::from_secs(1),
        };
        let sender =
            Sender::new(&endpoint("https://me:p%40ss@sink.example/write", Credentials::None)).unwrap();
        assert_eq!(sender.url.as_str(), "https://sink.example/write");
        assert_eq!(sender.headers[AUTHORIZATION], "Basic bWU6cEBzcw==");
        assert!(!format!("{:?}", sender.headers).contains("bWU6"));
        let bearer = Credentials::Bearer("token\n".into());
        let sender = Sender::new(&endpoint("https://me:pass@sink.example/write", bearer)).unwrap();
        assert_eq!(sender.headers[AUTHORIZATION], "Bearer token");
        assert!(Sender::new(&endpoint("ftp://sink.example", Credentials::None)).is_err());
    }
}
