//! The client against a hub on loopback: what it trusts, what it sends.

use std::sync::Arc;

use http::{Method, StatusCode};
use protocol::{Address, Fingerprint};
use rcgen::ExtendedKeyUsagePurpose;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::testing::{FakeHub, Leaf, agreeable, forbidding};

fn keys() -> Arc<Keys> {
    Arc::new(Keys::generate("test").unwrap())
}

async fn joined(hub: &FakeHub) -> Site {
    join(&hub.token("site"), keys(), Proof::Token).await.unwrap()
}

/// Joins a hub whose certificate is a special one; how it is refused.
async fn refusal_of(leaf: Leaf) -> String {
    let hub = FakeHub::start(leaf, agreeable).await;
    let error = join(&hub.token("site"), keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.kind(), "tls", "{error}");
    assert_eq!(hub.seen().len(), 1, "the probe was made, the call was not");
    error.to_string()
}

fn nobody() -> Address {
    // Port 1 on loopback refuses at once.
    "127.0.0.1:1".parse().unwrap()
}

#[tokio::test]
async fn each_call_is_a_probe_without_certificate_and_a_call_with_one() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let site = joined(&hub).await;
    site.heartbeat(Report::default().encode()).await.unwrap();
    leave(&site).await.unwrap();

    let seen = hub.seen();
    let calls: Vec<_> = seen.iter().map(|s| (s.method.as_str(), s.path.as_str())).collect();
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
    for pair in seen.chunks(2) {
        assert_eq!(pair[0].client_certificates, []);
        assert_eq!(pair[1].client_certificates, [site.keys.certificate().clone()]);
        assert_ne!(pair[0].port, pair[1].port, "two connections");
    }
}

#[tokio::test]
async fn no_content_type_is_sent() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    joined(&hub).await.heartbeat(Report::default().encode()).await.unwrap();
    for seen in hub.seen() {
        let mut names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
        names.retain(|name| *name != "content-length");
        assert_eq!(names, ["host", "user-agent"]);
        assert_eq!(seen.headers["host"], hub.address.to_string());
    }
}

#[tokio::test]
async fn the_token_is_in_the_body() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let token = hub.token("a/b");
    let site = join(&token, keys(), Proof::Token).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&hub.seen()[1].body).unwrap();
    let certificate = site.keys.certificate_pem();
    assert_eq!(
        body,
        serde_json::json!({"cluster_name": "a/b", "cluster_certificate": certificate, "token": token})
    );
}

#[tokio::test]
async fn a_keyed_hash_proves_the_token_without_sending_it() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    join(&hub.token("site"), keys(), Proof::Hmac).await.unwrap();
    let seen = &hub.seen()[1];
    let proof = protocol::proof::Proof::parse(seen.headers["authorization"].to_str().unwrap()).unwrap();
    assert!(proof.verifies(b"s3cret", &seen.body));
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body.get("token"), None);
}

#[tokio::test]
async fn an_expired_token_is_not_even_tried() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let token = FakeHub::token_with("site", vec![hub.at()], hub.fingerprint, -Duration::SECOND);
    let error = join(&token, keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.to_string(), "the join token has expired: ask for a new one");
    assert!(hub.seen().is_empty());
}

#[tokio::test]
async fn a_wrong_fingerprint_is_final() {
    let (hub, right) =
        (FakeHub::start(Leaf::default(), agreeable).await, FakeHub::start(Leaf::default(), agreeable).await);
    let token = FakeHub::token_with("site", vec![hub.at(), right.at()], right.fingerprint, Duration::HOUR);
    let error = join(&token, keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.kind(), "fingerprint");
    assert!(error.to_string().contains(&hub.fingerprint.to_string()), "{error}");
    assert!(right.seen().is_empty(), "no other address is tried");
}

#[tokio::test]
async fn the_next_address_is_tried_when_nobody_answers() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let token = FakeHub::token_with("site", vec![nobody(), hub.at()], hub.fingerprint, Duration::HOUR);
    join(&token, keys(), Proof::Token).await.unwrap();
    let token = FakeHub::token_with("site", vec![nobody()], hub.fingerprint, Duration::HOUR);
    assert_eq!(join(&token, keys(), Proof::Token).await.unwrap_err().kind(), "connect");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let error = refusal_of(Leaf { names: vec!["10.9.8.7", "hub.example.com"], ..Leaf::default() }).await;
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let yesterday = OffsetDateTime::now_utc() - Duration::DAY;
    let leaf = Leaf { not_before: yesterday - Duration::DAY, not_after: yesterday, ..Leaf::default() };
    let error = refusal_of(leaf).await;
    assert!(error.contains("expired"), "{error}");
}

#[tokio::test]
async fn a_certificate_from_the_future_is_refused() {
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let leaf = Leaf { not_before: tomorrow, not_after: tomorrow + Duration::DAY, ..Leaf::default() };
    let error = refusal_of(leaf).await;
    assert!(error.contains("not valid before"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_clients_only_is_refused() {
    refusal_of(Leaf { purposes: vec![ExtendedKeyUsagePurpose::ClientAuth], ..Leaf::default() }).await;
    let leaf = Leaf { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth], ..Leaf::default() };
    joined(&FakeHub::start(leaf, agreeable).await).await;
}

#[tokio::test]
async fn a_refusal_shows_the_hubs_words() {
    let hub = FakeHub::start(Leaf::default(), forbidding).await;
    let error = join(&hub.token("site"), keys(), Proof::Token).await.unwrap_err();
    assert_eq!(error.to_string(), "the hub answered 403 Forbidden: Forbidden");
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn an_acknowledgement_says_when_to_come_next() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let done = heartbeat(&joined(&hub).await, &Report::default()).await.unwrap();
    assert_eq!(done.next_update, Some(std::time::Duration::from_secs(45)));
    assert_eq!(done.hub_address.as_deref(), Some("hub:1"));
}

#[tokio::test]
async fn tests_can_present_other_certificates_and_other_keys() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let (mine, other) = (keys(), keys());
    let chain = vec![mine.certificate().clone(), other.certificate().clone()];
    let mut options = CallOptions::new(hub.at());
    options.identity = mine.sign_for(chain.clone());
    call(options).await.unwrap();
    assert_eq!(hub.seen()[0].client_certificates, chain);

    let site = joined(&hub).await.with_identity(mine.sign_for(chain.clone()));
    site.heartbeat(Report::default().encode()).await.unwrap();
    assert_eq!(hub.seen().last().unwrap().client_certificates, chain, "also after calls with another one");

    let mut options = CallOptions::new(hub.at());
    options.identity = other.sign_for(vec![mine.certificate().clone()]);
    let error = call(options).await.unwrap_err();
    assert!(matches!(error.kind().as_str(), "http" | "tls"), "{error}");
}

#[tokio::test]
async fn every_kind_of_key_can_sign() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let now = OffsetDateTime::now_utc();
    for kind in [KeyKind::P384, KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let keys = Keys::generate_with("test", kind, now - Duration::DAY, now + Duration::DAY).unwrap();
        let keys = Keys::from_pem(&keys.certificate_pem(), &keys.key_pem()).unwrap();
        let mut options = CallOptions::new(hub.at());
        options.identity = keys.identity();
        options.trust = Trust::Fingerprint(hub.fingerprint);
        assert_eq!(call(options).await.unwrap().status, StatusCode::OK, "{kind:?}");
    }
}

#[tokio::test]
async fn older_clients_speak_tls_1_2() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let older = Tls::with_versions(TlsGroups::P256, &[&rustls::version::TLS12]).unwrap();
    let site = Site::from_token(&hub.token("site"), keys()).unwrap().with_tls(older);
    site.join(&hub.token("site"), Proof::Token).await.unwrap();
    assert_eq!(hub.seen()[1].client_certificates, [site.keys.certificate().clone()]);
}

#[tokio::test]
async fn a_pinned_fingerprint_trusts_nobody_else() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let mut options = CallOptions::new(hub.at());
    options.trust = Trust::Fingerprint(Fingerprint::of_der(b"another"));
    assert_eq!(call(options).await.unwrap_err().kind(), "tls");
}

#[tokio::test]
async fn a_spoilt_body_arrives_as_told() {
    let hub = FakeHub::start(Leaf::default(), agreeable).await;
    let site = joined(&hub).await;
    let pause = std::time::Duration::from_millis(50);
    site.heartbeat(Payload::slow("{\"a\":1}", pause)).await.unwrap();
    let error = site.heartbeat(Payload::broken_off("{\"a\":1}")).await.unwrap_err();
    assert_eq!(error.kind(), "http");
    let bodies: Vec<_> =
        hub.seen().into_iter().filter(|s| s.method == Method::POST).map(|s| s.body).collect();
    assert_eq!(bodies.len(), 2, "the join and the slow one");
    assert_eq!(bodies[1], "{\"a\":1}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = CallOptions::new(listener.local_addr().unwrap().to_string().parse().unwrap());
    options.network.timeout = std::time::Duration::from_millis(50);
    assert_eq!(call(options).await.unwrap_err().kind(), "timeout");
}
