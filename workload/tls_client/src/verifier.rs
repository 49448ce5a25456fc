//! The verifiers that rustls calls during a handshake.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::{AcceptCertificate, PresentedCertificate};

/// Verifies a server: its certificate as `A` decides, and in every case that it holds the certificate's key. Without
/// that, a certificate proves nothing, because it is public.
#[derive(Debug)]
pub struct ServerVerifier<A> {
    accept: A,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Verifies nothing, not even that the server holds the certificate's key. For looking at a certificate before another
/// connection verifies it.
#[derive(Debug)]
pub struct Unverified {
    algorithms: WebPkiSupportedAlgorithms,
}

/// A client configuration with this cryptography, the default protocol versions and no client certificate.
pub fn client_config(
    provider: Arc<CryptoProvider>,
    accept: impl AcceptCertificate + 'static,
) -> Result<ClientConfig, Error> {
    let verifier = Arc::new(ServerVerifier::new(&provider, accept));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

impl<A: AcceptCertificate> ServerVerifier<A> {
    /// Verifies servers with this provider's algorithms.
    pub fn new(provider: &CryptoProvider, accept: A) -> Self {
        Self { accept, algorithms: provider.signature_verification_algorithms }
    }
}

impl Unverified {
    /// Accepts every server. The provider only says which signatures the client offers to understand.
    pub fn new(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms }
    }
}

impl<A: AcceptCertificate> ServerCertVerifier for ServerVerifier<A> {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = PresentedCertificate { leaf, intermediates, server_name, ocsp_response, now };
        self.accept.accept(&presented)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
