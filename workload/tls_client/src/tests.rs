//! Whole handshakes in memory, with servers that present right and wrong certificates.

use std::sync::Arc;

use protocol::Fingerprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, ServerConfig, ServerConnection};

use super::*;

const HOST: &str = "hub.example";

/// What a server presents: a certificate and the key with which it signs.
struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn params() -> CertificateParams {
    CertificateParams::new(vec![HOST.to_owned()]).unwrap()
}

fn self_signed(params: CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity { certificate: params.self_signed(&key).unwrap().der().clone(), key }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed_by(issuer: &CertifiedIssuer<'static, KeyPair>, params: CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity { certificate: params.signed_by(&key, issuer).unwrap().der().clone(), key }
}

fn trusting(pem: &str) -> SignedByAuthority {
    SignedByAuthority::new(&provider(), TrustedAuthorities::from_pem(pem.as_bytes()).unwrap()).unwrap()
}

/// The error with which the client ends a handshake with this server.
fn connect(server: &Identity, client: ClientConfig) -> Result<(), Error> {
    let key = PrivateKeyDer::try_from(server.key.serialize_der()).unwrap();
    let signing_key = provider().key_provider.load_private_key(key).unwrap();
    let certified = CertifiedKey::new(vec![server.certificate.clone()], signing_key);
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), HOST.try_into().unwrap()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        let mut sent = sent.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut received = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut received).unwrap();
        }
        let mut received = received.as_slice();
        while !received.is_empty() {
            client.read_tls(&mut received).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

fn accepted(server: &Identity, accept: impl AcceptCertificate + 'static) -> Result<(), Error> {
    connect(server, client_config(provider(), accept).unwrap())
}

fn refused(server: &Identity, accept: impl AcceptCertificate + 'static) -> CertificateError {
    match accepted(server, accept) {
        Err(Error::InvalidCertificate(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn with_verifier(
    verifier: impl ServerCertVerifier + 'static,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth()
}

fn days_from_now(days: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + time::Duration::days(days)
}

#[test]
fn pinned_leaf_ignores_names_and_dates() {
    let mut params = CertificateParams::new(vec!["another.example".to_owned()]).unwrap();
    params.not_before = date_time_ymd(1975, 1, 1);
    params.not_after = date_time_ymd(1976, 1, 1);
    let server = self_signed(params);
    accepted(&server, PinnedLeaf::new(Fingerprint::of_der(&server.certificate))).unwrap();
}

#[test]
fn another_certificate_than_the_pinned_one_is_refused() {
    let pin = PinnedLeaf::new(Fingerprint::of_der(&self_signed(params()).certificate));
    assert_eq!(refused(&self_signed(params()), pin), CertificateError::UnknownIssuer);
}

#[test]
fn exact_leaf_is_accepted_for_its_host() {
    let server = self_signed(params());
    accepted(&server, ExactLeaf::new(server.certificate.clone())).unwrap();
}

#[test]
fn another_leaf_than_the_exact_one_is_refused() {
    let expected = ExactLeaf::new(self_signed(params()).certificate);
    assert_eq!(refused(&self_signed(params()), expected), CertificateError::UnknownIssuer);
}

#[test]
fn exact_leaf_for_another_host_is_refused() {
    let server = self_signed(CertificateParams::new(vec!["another.example".to_owned()]).unwrap());
    let reason = refused(&server, ExactLeaf::new(server.certificate.clone()));
    assert!(matches!(reason, CertificateError::NotValidForNameContext { .. }), "{reason:?}");
}

#[test]
fn exact_leaf_outside_its_dates_is_refused() {
    let mut expired = params();
    (expired.not_before, expired.not_after) = (days_from_now(-2), days_from_now(-1));
    let server = self_signed(expired);
    let reason = refused(&server, ExactLeaf::new(server.certificate.clone()));
    assert!(matches!(reason, CertificateError::ExpiredContext { .. }), "{reason:?}");

    let mut future = params();
    (future.not_before, future.not_after) = (days_from_now(1), days_from_now(2));
    let server = self_signed(future);
    let reason = refused(&server, ExactLeaf::new(server.certificate.clone()));
    assert!(matches!(reason, CertificateError::NotValidYetContext { .. }), "{reason:?}");
}

#[test]
fn exact_leaf_that_is_only_for_clients_is_refused() {
    let mut params = params();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let server = self_signed(params);
    let reason = refused(&server, ExactLeaf::new(server.certificate.clone()));
    assert_eq!(reason, CertificateError::InvalidPurpose);
}

#[test]
fn certificate_of_a_trusted_authority_is_accepted() {
    let authority = authority();
    accepted(&signed_by(&authority, params()), trusting(&authority.pem())).unwrap();
}

#[test]
fn certificate_of_another_authority_is_refused() {
    let server = signed_by(&authority(), params());
    let reason = refused(&server, trusting(&authority().pem()));
    assert!(matches!(reason, CertificateError::UnknownIssuer | CertificateError::BadSignature), "{reason:?}");
}

#[test]
fn without_authorities_every_certificate_is_refused() {
    let nobody = SignedByAuthority::new(&provider(), TrustedAuthorities::none()).unwrap();
    assert_eq!(refused(&self_signed(params()), nobody), CertificateError::UnknownIssuer);
}

#[test]
fn authorities_can_be_combined() {
    let (one, other) = (authority(), authority());
    let mut both = TrustedAuthorities::from_pem(one.pem().as_bytes()).unwrap();
    both.extend(TrustedAuthorities::from_pem(other.pem().as_bytes()).unwrap());
    let accept = SignedByAuthority::new(&provider(), both).unwrap();
    for authority in [&one, &other] {
        accepted(&signed_by(authority, params()), accept.clone()).unwrap();
    }
}

#[test]
fn any_leaf_is_accepted() {
    accepted(&self_signed(CertificateParams::default()), AnyLeaf).unwrap();
}

#[test]
fn server_that_does_not_hold_the_key_is_refused() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let server = Identity { key: KeyPair::generate().unwrap(), ..self_signed(params()) };
        let leaf = &server.certificate;
        let verifiers: [Box<dyn AcceptCertificate>; 3] = [
            Box::new(AnyLeaf),
            Box::new(PinnedLeaf::new(Fingerprint::of_der(leaf))),
            Box::new(ExactLeaf::new(leaf.clone())),
        ];
        for accept in verifiers {
            let verifier = ServerVerifier::new(&provider(), accept);
            let error = connect(&server, with_verifier(verifier, &[version])).unwrap_err();
            assert_eq!(error, Error::InvalidCertificate(CertificateError::BadSignature));
        }
    }
}

#[test]
fn unverified_accepts_even_a_server_without_the_key() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let server = Identity { key: KeyPair::generate().unwrap(), ..self_signed(params()) };
        connect(&server, with_verifier(Unverified::new(&provider()), &[version])).unwrap();
    }
}

#[test]
fn pem_without_a_certificate_is_refused() {
    for pem in ["", "some text\n", &KeyPair::generate().unwrap().serialize_pem()] {
        let error = TrustedAuthorities::from_pem(pem.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the file contains no certificate in PEM");
    }
}

#[test]
fn one_bad_certificate_spoils_the_file() {
    let good = authority().pem();
    let cut = format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert!(matches!(TrustedAuthorities::from_pem(cut.as_bytes()), Err(InvalidAuthorities::Malformed(_))));
    let noise = format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(matches!(TrustedAuthorities::from_pem(noise.as_bytes()), Err(InvalidAuthorities::Unusable(_))));
}

#[test]
fn load_reads_a_file_and_reports_a_missing_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.crt");
    assert!(matches!(TrustedAuthorities::load(&path), Err(InvalidAuthorities::Unreadable(_))));
    std::fs::write(&path, authority().pem()).unwrap();
    assert_eq!(TrustedAuthorities::load(&path).unwrap().into_roots().len(), 1);
}

#[test]
fn http_client_needs_a_certificate_where_a_file_is_given() {
    let client = |pem: Option<&[u8]>| http_client(pem, reqwest::Client::builder);
    assert!(client(None).is_ok());
    assert!(client(Some(authority().pem().as_bytes())).is_ok());
    let error = client(Some(b"some text")).unwrap_err();
    assert_eq!(error.to_string(), "the file contains no certificate in PEM");
}
