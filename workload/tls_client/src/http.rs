//! HTTP clients that trust additional certificate authorities.

use reqwest::{Certificate, Client, ClientBuilder};

/// Why there is no HTTP client with these authorities.
#[derive(Debug, thiserror::Error)]
pub enum InvalidHttpClient {
    /// The authorities cannot be read, or the client cannot be built.
    #[error(transparent)]
    Build(#[from] reqwest::Error),
    /// There is no certificate among the additional authorities.
    #[error("the file contains no certificate in PEM")]
    NoCertificate,
}

/// Builds a client that trusts the system's authorities and, if given, those in `extra_ca_pem`.
///
/// `builder` configures everything else. It is called a second time if the system's authorities cannot be used, as in a
/// small container that has none: the client then trusts the additional ones only.
pub fn http_client(
    extra_ca_pem: Option<&[u8]>,
    builder: impl Fn() -> ClientBuilder,
) -> Result<Client, InvalidHttpClient> {
    let extra = extra_ca_pem.map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
    if extra_ca_pem.is_some() && extra.is_empty() {
        return Err(InvalidHttpClient::NoCertificate);
    }
    let client = builder().tls_certs_merge(extra.clone()).build().or_else(|error| {
        tracing::warn!(%error, "cannot use the system's CA certificates");
        builder().tls_certs_only(extra).build()
    })?;
    Ok(client)
}
