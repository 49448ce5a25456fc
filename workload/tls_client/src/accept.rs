//! Whether the certificate that a server presents is trusted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Certificate, Fingerprint};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::TrustedAuthorities;

/// Decides whether a server's certificate is trusted. Whether the server holds its key is checked elsewhere.
pub trait AcceptCertificate: fmt::Debug + Send + Sync {
    /// Returns the reason if the certificate is not trusted.
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error>;
}

/// What a server presented in the handshake, and what the client knows about the connection.
#[derive(Debug)]
pub struct PresentedCertificate<'a> {
    /// The server's own certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// The rest of the chain.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The host that the client wanted to reach.
    pub server_name: &'a ServerName<'a>,
    /// The stapled OCSP response; empty if there is none.
    pub ocsp_response: &'a [u8],
    /// The current time.
    pub now: UnixTime,
}

/// Accepts every certificate. Without a CA, encryption protects against eavesdroppers, but not against impostors.
#[derive(Debug, Clone, Copy)]
pub struct AnyLeaf;

/// Accepts the certificate with this fingerprint. Nothing else about it matters: neither its dates nor its names nor
/// who signed it.
#[derive(Debug, Clone, Copy)]
pub struct PinnedLeaf(Fingerprint);

/// Accepts one known certificate, as if it were the only trusted root: within its dates, for servers, and only if it
/// names the host. The verifier of rustls cannot do this, because a leaf is not an authority.
#[derive(Debug, Clone)]
pub struct ExactLeaf(CertificateDer<'static>);

/// Accepts certificates that chain to one of the [`TrustedAuthorities`], within their dates, for servers, and only if
/// the leaf names the host. An empty set of authorities accepts nothing.
#[derive(Debug, Clone)]
pub struct SignedByAuthority(Option<Arc<WebPkiServerVerifier>>);

impl PinnedLeaf {
    /// Accepts the certificate with this fingerprint.
    pub fn new(fingerprint: Fingerprint) -> Self {
        Self(fingerprint)
    }
}

impl ExactLeaf {
    /// Accepts this certificate.
    pub fn new(leaf: CertificateDer<'static>) -> Self {
        Self(leaf)
    }
}

impl SignedByAuthority {
    /// Accepts what these authorities signed.
    pub fn new(
        provider: &Arc<CryptoProvider>,
        authorities: TrustedAuthorities,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = authorities.into_roots();
        if roots.is_empty() {
            return Ok(Self(None));
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Ok(Self(Some(builder.build()?)))
    }
}

impl AcceptCertificate for AnyLeaf {
    fn accept(&self, _: &PresentedCertificate<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl AcceptCertificate for PinnedLeaf {
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error> {
        if Fingerprint::of_der(presented.leaf) == self.0 {
            Ok(())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }
}

impl AcceptCertificate for ExactLeaf {
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error> {
        let leaf = presented.leaf;
        if *leaf != self.0 {
            return Err(CertificateError::UnknownIssuer.into());
        }
        check_dates(leaf, presented.now)?;
        check_purpose(leaf)?;
        verify_server_name(&ParsedCertificate::try_from(leaf)?, presented.server_name)
    }
}

impl AcceptCertificate for SignedByAuthority {
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error> {
        let PresentedCertificate { leaf, intermediates, server_name, ocsp_response, now } = *presented;
        let verifier = self.0.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        verifier.verify_server_cert(leaf, intermediates, server_name, ocsp_response, now).map(drop)
    }
}

impl<T: AcceptCertificate + ?Sized> AcceptCertificate for Box<T> {
    fn accept(&self, presented: &PresentedCertificate<'_>) -> Result<(), Error> {
        (**self).accept(presented)
    }
}

fn check_dates(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = Certificate::from_der(leaf.to_vec()).map_err(|_| CertificateError::BadEncoding)?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| Error::FailedToGetCurrentTime)?;
    let unix_time = |time: OffsetDateTime| {
        let seconds = u64::try_from(time.unix_timestamp()).unwrap_or_default();
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    };
    let time = unix_time(now);
    if now < parsed.not_before {
        Err(CertificateError::NotValidYetContext { time, not_before: unix_time(parsed.not_before) }.into())
    } else if now > parsed.not_after {
        Err(CertificateError::ExpiredContext { time, not_after: unix_time(parsed.not_after) }.into())
    } else {
        Ok(())
    }
}

/// A certificate that restricts its purposes must allow servers.
fn check_purpose(leaf: &CertificateDer<'_>) -> Result<(), Error> {
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| CertificateError::BadEncoding)?;
    match parsed.extended_key_usage() {
        Ok(Some(usage)) if !usage.value.server_auth && !usage.value.any => {
            Err(CertificateError::InvalidPurpose.into())
        }
        Ok(_) => Ok(()),
        Err(_) => Err(CertificateError::BadEncoding.into()),
    }
}
