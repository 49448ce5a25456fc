//! One request to a sink, and what its answer means.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::remote_write::{self, Batch};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a refusal is read, and how much of it is logged.
const READ_OF_A_REFUSAL: usize = 16 * 1024;
const LOGGED_OF_A_REFUSAL: usize = 300;

/// How we show a sink who we are.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// With a token.
    Bearer(SecretString),
    /// With a name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
}

/// Where a sink is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The full remote-write URL, `http` or `https`. Its user and password are credentials if there are no others.
    pub url: Url,
    /// CAs that are trusted besides the system's, in PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Who we are.
    pub credentials: Credentials,
    /// The longest that a request may take.
    pub timeout: Duration,
}

/// A sink cannot be written to as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The sink has the samples.
    Taken,
    /// Something in the batch is bad: without it, the rest is welcome.
    Refused(String),
    /// Whatever is sent there is refused.
    Misdirected(String),
    /// Not now.
    Later { why: String, retry_after: Option<Duration> },
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
            return Err(invalid("the address of a sink must begin with http:// or https://".to_owned()));
        }
        let credentials = match &endpoint.credentials {
            Credentials::None => from_url(&url),
            others => others.clone(),
        };
        // It cannot fail for these two schemes.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let client = client(endpoint, &url)?;
        let headers = headers(&credentials).map_err(|()| invalid("credentials cannot be sent".to_owned()))?;
        Ok(Self { url, client, headers })
    }

    pub(crate) async fn send(&self, batch: &Batch) -> Answer {
        let request =
            self.client.post(self.url.clone()).headers(self.headers.clone()).body(batch.body.clone());
        match request.send().await {
            Ok(response) => judge(response).await,
            // The address may hold what is nobody's business.
            Err(error) => Answer::Later { why: chain(&error.without_url()), retry_after: None },
        }
    }
}

fn client(endpoint: &Endpoint, url: &Url) -> Result<Client, InvalidEndpoint> {
    let builder = || {
        let builder = Client::builder()
            // Whoever sends us elsewhere may want to see our credentials there.
            .redirect(Policy::none())
            // A request that is given up takes its connection along. Of HTTP/2 the connection would stay, and with it
            // all requests to a sink that is no longer at its other end.
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT.min(endpoint.timeout))
            .timeout(endpoint.timeout);
        // A proxy of the network cannot reach this machine's own ports.
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

async fn judge(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        // Read to its end, so that the connection can be used again.
        let _ = response.bytes().await;
        return Answer::Taken;
    }
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let why = format!("{status} {}", beginning(response).await);
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Answer::Later { why, retry_after },
        status if status.is_server_error() => Answer::Later { why, retry_after },
        // What a sink says of samples. Everything else is about us, or about where we send them.
        StatusCode::BAD_REQUEST
        | StatusCode::CONFLICT
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(why),
        _ => Answer::Misdirected(why),
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

/// What a sink says for itself, as one line.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > READ_OF_A_REFUSAL {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let line = text.trim().chars().map(|character| if character.is_control() { ' ' } else { character });
    line.take(LOGGED_OF_A_REFUSAL).collect()
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_names_seconds_or_a_date() {
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
    fn credentials_are_taken_out_of_the_address() {
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
