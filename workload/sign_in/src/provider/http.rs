//! HTTP calls to the identity provider: limited in time and size, and never redirected.

use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, HeaderValue};
use openid_documents::address::is_safe;
use reqwest::redirect::Policy;
use url::Url;

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
pub(crate) enum HttpError {
    /// There was no response.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// The address is not protected, so it is not called.
    #[error("its address is neither https nor on loopback")]
    Insecure,
    /// The provider cannot serve requests now: it has an error, or gets too many calls.
    #[error("unexpected status {0}")]
    Unable(StatusCode),
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

    /// Fetches a document. Its content type does not matter.
    pub(crate) async fn get(&self, address: &Url) -> Result<Vec<u8>, HttpError> {
        let (status, body) = self.send(self.0.get(address.clone())).await?;
        if status == StatusCode::OK { Ok(body) } else { Err(HttpError::Unable(status)) }
    }

    /// Sends a form, with these credentials of a client if there are any.
    pub(crate) async fn post_form(
        &self,
        address: &Url,
        form: &[(&str, &str)],
        authorization: Option<HeaderValue>,
    ) -> Result<(StatusCode, Vec<u8>), HttpError> {
        let mut request = self.0.post(address.clone()).form(form);
        if let Some(value) = authorization {
            request = request.header(http::header::AUTHORIZATION, value);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), HttpError> {
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json")).build()?;
        if !is_safe(request.url()) {
            return Err(HttpError::Insecure);
        }
        let mut response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Unable(status));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}
