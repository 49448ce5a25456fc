//! HTTP calls to the identity provider: limited in time and size, and never redirected.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::StatusCode;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use url::{Host, Url};

/// The timeout of one call. Some calls are made while the row of a session is locked.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest accepted response. Metadata, keys and tokens are a few kilobytes.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// The HTTP client for calls to the identity provider. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProviderHttp(reqwest::Client);

/// The file of additional CA certificates is not valid.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCaFile(String);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There was no response.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// The address is not protected, so it is not called.
    #[error("its address is neither https nor on loopback")]
    Insecure,
    /// The provider cannot serve requests now: it has an error, or gets too many calls.
    #[error("unexpected status {0}")]
    Unable(StatusCode),
    /// The response is malformed.
    #[error("the response cannot be read: {0}")]
    Malformed(#[from] http::Error),
    /// The response is too long.
    #[error("the response is too long")]
    TooLong,
}

impl ProviderHttp {
    /// A client that trusts the system's CAs and these (PEM).
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, InvalidCaFile> {
        let builder = || {
            // A provider has no reason to redirect these calls. Following a redirect could reveal the client secret.
            reqwest::Client::builder().redirect(Policy::none()).timeout(CALL_TIMEOUT)
        };
        let client = tls_client::http_client(extra_ca_pem, builder);
        client.map(Self).map_err(|error| InvalidCaFile(error.to_string()))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        if !is_safe(request.url()) {
            return Err(HttpError::Insecure);
        }
        let mut response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Unable(status));
        }
        let mut complete = http::Response::builder().status(status);
        if let Some(headers) = complete.headers_mut() {
            *headers = std::mem::take(response.headers_mut());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(complete.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Whether others cannot read what is sent to this address.
pub(crate) fn is_safe(url: &Url) -> bool {
    let is_on_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_on_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_safe() {
        for (address, safe) in [
            ("https://idp.example/token", true),
            ("http://localhost:8085/token", true),
            ("http://127.0.0.1:8085/token", true),
            ("http://[::1]/token", true),
            ("http://idp.example/token", false),
            ("http://localhost.example/token", false),
            ("http://192.0.2.1/token", false),
            ("ftp://localhost/token", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(is_safe(&Url::parse(address).unwrap()), safe, "{address}");
        }
    }
}
