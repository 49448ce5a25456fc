//! Tests of the client against a fake hub: what it trusts and what it sends.

use std::sync::Arc;

use http::{Method, StatusCode};
use protocol::{Address, Fingerprint};
use rcgen::ExtendedKeyUsagePurpose;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::testing::{FakeHub, Leaf, accept_json, forbid};

fn keys() -> Arc<Keys> {
    Arc::new(Keys::generate("test").unwrap())
}

async fn joined(hub: &FakeHub) -> ClusterClient {
    join(&hub.token("berlin"), keys(), Proof::Token).await.unwrap()
}

/// Joins a hub with this certificate and returns the error.
async fn refusal_of(leaf: Leaf) -> String {
    let hub = FakeHub::start(leaf, accept_json).await;
    let error = join(&hub.token("berlin"), keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.kind(), "tls", "{error}");
    assert_eq!(hub.requests().len(), 1, "only the probe was made");
    error.to_string()
}

fn unreachable_address() -> Address {
    // Port 1 on loopback refuses connections immediately.
    "127.0.0.1:1".parse().unwrap()
}

#[tokio::test]
async fn each_exchange_is_a_probe_without_and_a_call_with_certificate() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let cluster = joined(&hub).await;
    cluster.heartbeat(Report::default().encode()).await.unwrap();
    leave(&cluster).await.unwrap();

    let requests = hub.requests();
    let calls: Vec<_> = requests.iter().map(|s| (s.method.as_str(), s.path.as_str())).collect();
    assert_eq!(
        calls,
        [
            ("GET", "/"),
            ("POST", "/1.0/remote-cluster"),
            ("GET", "/"),
            ("POST", "/1.0/remote-cluster/status"),
            ("GET", "/"),
            ("DELETE", "/1.0/remote-cluster"),
        ]
    );
    for pair in requests.chunks(2) {
        assert_eq!(pair[0].client_certificates, []);
        assert_eq!(pair[1].client_certificates, [cluster.keys.certificate().clone()]);
        assert_ne!(pair[0].port, pair[1].port, "two connections");
    }
}

#[tokio::test]
async fn no_content_type_is_sent() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    joined(&hub).await.heartbeat(Report::default().encode()).await.unwrap();
    for request in hub.requests() {
        let mut names: Vec<_> = request.headers.keys().map(http::HeaderName::as_str).collect();
        names.retain(|name| *name != "content-length");
        assert_eq!(names, ["host", "user-agent"]);
        assert_eq!(request.headers["host"], hub.socket_address.to_string());
    }
}

#[tokio::test]
async fn token_proof_sends_the_token_in_the_body() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let token = hub.token("a/b");
    let cluster = join(&token, keys(), Proof::Token).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&hub.requests()[1].body).unwrap();
    let certificate = cluster.keys.certificate_pem();
    assert_eq!(
        body,
        serde_json::json!({"cluster_name": "a/b", "cluster_certificate": certificate, "token": token})
    );
}

#[tokio::test]
async fn hmac_proof_does_not_send_the_token() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    join(&hub.token("berlin"), keys(), Proof::Hmac).await.unwrap();
    let request = &hub.requests()[1];
    let proof = protocol::proof::Proof::parse(request.headers["authorization"].to_str().unwrap()).unwrap();
    assert!(proof.verifies(b"s3cret", &request.body));
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body.get("token"), None);
}

#[tokio::test]
async fn expired_token_is_not_sent() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let token = FakeHub::token_with("berlin", vec![hub.address()], hub.fingerprint, -Duration::SECOND);
    let error = join(&token, keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.to_string(), "the join token has expired: ask for a new one");
    assert!(hub.requests().is_empty());
}

#[tokio::test]
async fn wrong_fingerprint_is_final() {
    let (hub, right) = (
        FakeHub::start(Leaf::default(), accept_json).await,
        FakeHub::start(Leaf::default(), accept_json).await,
    );
    let token = FakeHub::token_with(
        "berlin",
        vec![hub.address(), right.address()],
        right.fingerprint,
        Duration::HOUR,
    );
    let error = join(&token, keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.kind(), "fingerprint");
    assert!(error.to_string().contains(&hub.fingerprint.to_string()), "{error}");
    assert!(right.requests().is_empty(), "no other address is tried");
}

#[tokio::test]
async fn next_address_is_tried_if_one_is_unreachable() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let token = FakeHub::token_with(
        "berlin",
        vec![unreachable_address(), hub.address()],
        hub.fingerprint,
        Duration::HOUR,
    );
    join(&token, keys(), Proof::Token).await.unwrap();
    let token = FakeHub::token_with("berlin", vec![unreachable_address()], hub.fingerprint, Duration::HOUR);
    assert_eq!(join(&token, keys(), Proof::Token).await.unwrap_err().kind(), "connect");
}

#[tokio::test]
async fn certificate_for_another_host_is_refused() {
    let error = refusal_of(Leaf { names: vec!["10.9.8.7", "hub.example.com"], ..Leaf::default() }).await;
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn expired_certificate_is_refused() {
    let yesterday = OffsetDateTime::now_utc() - Duration::DAY;
    let leaf = Leaf { not_before: yesterday - Duration::DAY, not_after: yesterday, ..Leaf::default() };
    let error = refusal_of(leaf).await;
    assert!(error.contains("expired"), "{error}");
}

#[tokio::test]
async fn certificate_that_is_not_yet_valid_is_refused() {
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let leaf = Leaf { not_before: tomorrow, not_after: tomorrow + Duration::DAY, ..Leaf::default() };
    let error = refusal_of(leaf).await;
    assert!(error.contains("not valid before"), "{error}");
}

#[tokio::test]
async fn client_certificate_of_a_hub_is_refused() {
    refusal_of(Leaf { purposes: vec![ExtendedKeyUsagePurpose::ClientAuth], ..Leaf::default() }).await;
    let leaf = Leaf { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth], ..Leaf::default() };
    joined(&FakeHub::start(leaf, accept_json).await).await;
}

#[tokio::test]
async fn refusal_shows_the_hubs_error_message() {
    let hub = FakeHub::start(Leaf::default(), forbid).await;
    let error = join(&hub.token("berlin"), keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.to_string(), "the hub responded with 403 Forbidden: Forbidden");
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn acknowledgement_contains_the_next_update() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let acknowledged = heartbeat(&joined(&hub).await, &Report::default()).await.unwrap();
    assert_eq!(acknowledged.next_update, Some(std::time::Duration::from_secs(45)));
    assert_eq!(acknowledged.hub_address.as_deref(), Some("hub:1"));
}

#[tokio::test]
async fn client_can_present_other_certificates_and_keys() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let (mine, other) = (keys(), keys());
    let chain = vec![mine.certificate().clone(), other.certificate().clone()];
    let mut options = CallOptions::new(hub.address());
    options.identity = mine.sign_for(chain.clone());
    call(options).await.unwrap();
    assert_eq!(hub.requests()[0].client_certificates, chain);

    let cluster = joined(&hub).await.with_identity(mine.sign_for(chain.clone()));
    cluster.heartbeat(Report::default().encode()).await.unwrap();
    assert_eq!(
        hub.requests().last().unwrap().client_certificates,
        chain,
        "also after calls with another certificate"
    );

    let mut options = CallOptions::new(hub.address());
    options.identity = other.sign_for(vec![mine.certificate().clone()]);
    let error = call(options).await.unwrap_err();
    assert!(matches!(error.kind().as_str(), "http" | "tls"), "{error}");
}

#[tokio::test]
async fn every_kind_of_key_can_sign() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let now = OffsetDateTime::now_utc();
    for kind in [KeyKind::P384, KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let keys = Keys::generate_with("test", kind, now - Duration::DAY, now + Duration::DAY).unwrap();
        let keys = Keys::from_pem(&keys.certificate_pem(), &keys.key_pem()).unwrap();
        let mut options = CallOptions::new(hub.address());
        options.identity = keys.identity();
        options.trust = Trust::Fingerprint(hub.fingerprint);
        assert_eq!(call(options).await.unwrap().status, StatusCode::OK, "{kind:?}");
    }
}

#[tokio::test]
async fn older_clients_use_tls_1_2() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let tls_1_2 = Tls::with_versions(TlsGroups::P256, &[&rustls::version::TLS12]).unwrap();
    let cluster = ClusterClient::from_token(&hub.token("berlin"), keys()).unwrap().with_tls(tls_1_2);
    cluster.join(&hub.token("berlin"), Proof::Token).await.unwrap();
    assert_eq!(hub.requests()[1].client_certificates, [cluster.keys.certificate().clone()]);
}

#[tokio::test]
async fn pinned_fingerprint_refuses_other_certificates() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let mut options = CallOptions::new(hub.address());
    options.trust = Trust::Fingerprint(Fingerprint::of_der(b"another"));
    assert_eq!(call(options).await.unwrap_err().kind(), "tls");
}

#[tokio::test]
async fn faulty_bodies_are_sent_as_configured() {
    let hub = FakeHub::start(Leaf::default(), accept_json).await;
    let cluster = joined(&hub).await;
    let pause = std::time::Duration::from_millis(50);
    cluster.heartbeat(Payload::slow("{\"a\":1}", pause)).await.unwrap();
    let error = cluster.heartbeat(Payload::aborted("{\"a\":1}")).await.unwrap_err();
    assert_eq!(error.kind(), "http");
    let bodies: Vec<_> =
        hub.requests().into_iter().filter(|s| s.method == Method::POST).map(|s| s.body).collect();
    assert_eq!(bodies.len(), 2, "the join and the slow heartbeat");
    assert_eq!(bodies[1], "{\"a\":1}");
}

#[tokio::test]
async fn silent_server_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = CallOptions::new(listener.local_addr().unwrap().to_string().parse().unwrap());
    options.network.timeout = std::time::Duration::from_millis(50);
    assert_eq!(call(options).await.unwrap_err().kind(), "timeout");
}
