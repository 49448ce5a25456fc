//! How the database is reached: `DB_*` (contract section 5).

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::{ExposeSecret as _, SecretString};

/// No statement runs longer; below every request's own limit, so that a request that gave up leaves nothing behind.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for a connection, made or free.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where the database is and who we are there.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// A host name, an IP address, or the folder of a unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The user's password; may be empty.
    pub password: SecretString,
    /// The database's name.
    pub name: String,
    /// The most connections of one process.
    pub max_open: usize,
    /// Whether and how the connection is encrypted.
    pub tls: DatabaseTls,
}

/// Whether and how the connection to the database is encrypted.
#[derive(Debug, Clone)]
pub enum DatabaseTls {
    /// In clear.
    Disabled,
    /// Encrypted, without knowing whom we talk to: no CA was given.
    Unverified,
    /// Encrypted, and the server's certificate must come from one of these CAs (PEM) and name the host.
    Verified {
        /// One or more CA certificates in PEM.
        ca_pem: Vec<u8>,
    },
}

/// The CA for the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the CA certificate for the database cannot be used: {0}")]
pub struct InvalidCa(pub(crate) String);

impl DatabaseOptions {
    pub(crate) fn to_config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .dbname(&self.name)
            .application_name("cluster-manager")
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(STATEMENT_TIMEOUT * 2)
            .keepalives_idle(Duration::from_secs(30))
            .ssl_mode(match self.tls {
                DatabaseTls::Disabled => tokio_postgres::config::SslMode::Disable,
                DatabaseTls::Unverified | DatabaseTls::Verified { .. } => {
                    tokio_postgres::config::SslMode::Require
                }
            });
        if !self.password.expose_secret().is_empty() {
            config.password(self.password.expose_secret());
        }
        config
    }

    /// The TLS client for the connection, or `None` for one in clear.
    pub(crate) fn tls_client(&self) -> Result<Option<ClientConfig>, InvalidCa> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| InvalidCa(error.to_string()))?;
        match &self.tls {
            DatabaseTls::Disabled => Ok(None),
            DatabaseTls::Unverified => Ok(Some(
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                    .with_no_client_auth(),
            )),
            DatabaseTls::Verified { ca_pem } => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(ca_pem) {
                    let certificate = certificate.map_err(|error| InvalidCa(error.to_string()))?;
                    roots.add(certificate).map_err(|error| InvalidCa(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(InvalidCa("there is no certificate in the file".to_owned()));
                }
                Ok(Some(builder.with_root_certificates(roots).with_no_client_auth()))
            }
        }
    }
}

/// Takes any certificate: encryption without a CA keeps out listeners, not impostors.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
