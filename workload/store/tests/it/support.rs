//! Helpers for the tests of the store.

#![allow(unreachable_pub, reason = "a test module is not used elsewhere")]

pub mod made;

use fleet::{Actor, Origin, PendingToken};
use protocol::join_token::PresentedToken;
use protocol::proof::{self, Proof};
use protocol::{Certificate, ClusterName, Fingerprint, JoinRequest, Secret};
use secrecy::ExposeSecret as _;
use store::enrolment::JoinProof;
use store::{DatabaseOptions, Store};
use time::{Duration, OffsetDateTime};

/// A new self-signed certificate.
pub fn certificate() -> Certificate {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["cluster".to_owned()]).unwrap();
    parameters.not_before = OffsetDateTime::now_utc() - Duration::DAY;
    parameters.not_after = OffsetDateTime::now_utc() + Duration::days(3650);
    Certificate::from_pem(&parameters.self_signed(&key).unwrap().pem()).unwrap()
}

/// Somebody else's connection to the database.
pub async fn connection(options: &DatabaseOptions) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config
        .host(&options.servers[0].host)
        .port(options.servers[0].port)
        .user(&options.user)
        .dbname(&options.name);
    config.password(options.password.expose_secret());
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The origin of what a test does.
pub fn origin() -> Origin {
    Actor::command_line("test").locally()
}

pub fn secret() -> Secret {
    Secret::from_random(&[7; 32])
}

/// Stores a token for this name with the secret [`secret`].
pub async fn token_for(store: &Store, name: &str, lifetime: Duration) -> PendingToken {
    let now = store.now().await.unwrap();
    let token = PendingToken {
        cluster_name: ClusterName::new(name).unwrap(),
        description: "made by a test".to_owned(),
        expiry: now + lifetime,
        created_at: now,
    };
    store.put_join_token(&token, &secret(), &origin()).await.unwrap();
    token
}

pub fn request(name: &str, certificate: &Certificate) -> JoinRequest {
    JoinRequest {
        cluster_name: ClusterName::new(name).unwrap(),
        certificate: certificate.clone(),
        token: None,
    }
}

/// The proof by the whole token, with the secret [`secret`].
pub fn token_proof(name: &str) -> JoinProof {
    JoinProof::Token(PresentedToken { secret: secret(), server_name: name.to_owned() })
}

/// The proof by HMAC with this key.
pub fn hmac_proof(key: &[u8], body: &'static [u8]) -> JoinProof {
    JoinProof::Hmac { proof: Proof::parse(&proof::sign(key, body)).unwrap(), body: body.into() }
}

/// Enrols a cluster and returns the fingerprint of its certificate.
pub async fn enrol(store: &Store, name: &str) -> Fingerprint {
    token_for(store, name, Duration::HOUR).await;
    let certificate = certificate();
    let presented = Some(certificate.fingerprint);
    store.join_cluster(&request(name, &certificate), &token_proof(name), presented, &origin()).await.unwrap();
    certificate.fingerprint
}
