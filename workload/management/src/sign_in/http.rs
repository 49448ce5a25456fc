//! Calls to the identity provider: short, small, never redirected.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::Certificate;
use reqwest::redirect::Policy;

/// No call takes longer. Some are made while a session's row is locked.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of a provider is longer: metadata, keys and tokens are a few kilobytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The client for calls to the identity provider. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProviderHttp(reqwest::Client);

/// The file of additional CAs cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCaFile(String);

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// It was not answered.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// The answer is none.
    #[error("the answer cannot be read: {0}")]
    Malformed(#[from] http::Error),
    /// The answer is longer than any should be.
    #[error("the answer is too long")]
    TooLong,
}

impl ProviderHttp {
    /// A client that trusts the system's CAs and these (PEM).
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, InvalidCaFile> {
        let invalid = |problem: String| InvalidCaFile(problem);
        let extra = match extra_ca_pem {
            None => Vec::new(),
            Some(pem) => Certificate::from_pem_bundle(pem).map_err(|error| invalid(error.to_string()))?,
        };
        if extra_ca_pem.is_some() && extra.is_empty() {
            return Err(invalid("there is no certificate in the file".to_owned()));
        }
        let builder = || {
            // A provider has no reason to send us elsewhere; whoever does may want to see our secret there.
            reqwest::Client::builder().redirect(Policy::none()).timeout(CALL_TIMEOUT)
        };
        let client = builder().tls_certs_merge(extra.clone()).build().or_else(|error| {
            // A small container may have no CAs of its own: then only ours are trusted.
            tracing::warn!(%error, "the system's CA certificates cannot be used");
            builder().tls_certs_only(extra).build()
        });
        client.map(Self).map_err(|error| invalid(error.to_string()))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let mut response = self.0.execute(request).await?;
        let mut answer = http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            *headers = std::mem::take(response.headers_mut());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
