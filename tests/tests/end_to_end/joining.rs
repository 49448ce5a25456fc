//! Enrolment over the wire: the contract's order of checks, tokens that work once, two units (contract 1.2).

use std::time::Duration;

use agent::client::{ClusterClient, Exchange, Network, Proof, Request, join_body};
use harness::Hub;
use harness::hub::keys;
use harness::wait::until;
use http::Method;
use protocol::heartbeat::Details;

async fn join(site: &ClusterClient, token: &str) -> Exchange {
    site.exchange(site.join_request(token, Proof::Token).unwrap()).await.unwrap()
}

fn text(answer: &Exchange) -> String {
    let envelope: serde_json::Value = serde_json::from_slice(&answer.response.body).unwrap();
    let keys = ["type", "status", "status_code", "operation", "error_code", "error", "metadata"];
    assert!(keys.iter().all(|key| envelope.get(key).is_some()), "{envelope}");
    format!("{} {}", answer.response.status.as_u16(), envelope["error"].as_str().unwrap())
}

async fn beat(site: &ClusterClient) -> String {
    let report = agent::client::Report { details: Details::default(), metrics: vec![] };
    text(
        &site
            .exchange(Request::new(Method::POST, "/1.0/remote-cluster/status", report.encode()))
            .await
            .unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_joins_with_one_token_enrol_one_cluster() {
    let hub = Hub::start().await;
    let token = hub.token("only-one");
    let joins = (0..200).map(|number| {
        let site = ClusterClient::from_token(&token, keys(&format!("site-{number}"))).unwrap();
        let token = token.clone();
        tokio::spawn(async move { join(&site, &token).await.response.status.as_u16() })
    });
    let statuses = futures_util::future::join_all(joins.collect::<Vec<_>>()).await;
    let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    println!("200 joins with one token: {} times 200, {} times 403", count(200), count(403));
    assert_eq!((count(200), count(403)), (1, 199));
    assert_eq!(hub.store.clusters().await.unwrap().1.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_proofs_enrol() {
    let hub = Hub::start().await;
    for (name, proof) in [("by token", Proof::Token), ("by hmac", Proof::Hmac)] {
        let site = agent::client::join(&hub.token(name), keys(name), proof).await.unwrap();
        assert_eq!(beat(&site).await, "200 ", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_join_request_is_400_and_keeps_the_token() {
    let hub = Hub::start().await;
    let token = hub.token("a");
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    let pem = keys("a").certificate_pem();
    for (body, wanted) in [
        (String::new(), "the body is not a join request"),
        ("[]".to_owned(), "the body is not a join request"),
        ("{}".to_owned(), "cluster_name: a cluster name cannot be empty"),
        (
            format!(r#"{{"cluster_name":"{}"}}"#, "x".repeat(300)),
            "cluster_name: a cluster name has at most 255",
        ),
        (r#"{"cluster_name":"a\u0000"}"#.to_owned(), "cluster_name: a cluster name cannot contain control"),
        (r#"{"cluster_name":"a"}"#.to_owned(), "cluster_certificate: the certificate is not"),
        (
            serde_json::json!({"cluster_name": "a", "cluster_certificate": format!("{pem}{pem}")})
                .to_string(),
            "cluster_certificate: expected exactly one certificate",
        ),
    ] {
        let answer =
            site.exchange(Request::new(Method::POST, "/1.0/remote-cluster", body.clone())).await.unwrap();
        let text = text(&answer);
        assert!(text.starts_with("400 ") && text.contains(wanted), "{body}: {text}");
    }
    assert_eq!(text(&join(&site, &token).await), "200 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_proof_is_always_the_same_403() {
    let hub = Hub::start().await;
    let (token, other) = (hub.token("a"), hub.token("b"));
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    let post = async |request: Request| text(&site.exchange(request).await.unwrap());
    let body = |name: &str, token: Option<&str>| {
        Request::new(
            Method::POST,
            "/1.0/remote-cluster",
            join_body(name, &site.keys.certificate_pem(), token),
        )
    };
    let signed = |proof: &str| {
        let mut request = body("a", None);
        request.headers.insert("authorization", proof.parse().unwrap());
        request
    };
    let wrong_hmac = protocol::proof::sign(b"guessed", b"whatever");
    for (what, request) in [
        ("a token of another name", body("a", Some(&other))),
        ("an unknown name", body("unknown", Some(&token))),
        ("no proof", body("a", None)),
        ("an undecodable token", body("a", Some("?"))),
        ("a wrong HMAC", signed(&wrong_hmac)),
        ("an HMAC of another scheme", signed("LXD1.0 00")),
        ("a header that is no proof beside the right token", {
            let mut request = body("a", Some(&token));
            request.headers.insert("authorization", "Bearer x".parse().unwrap());
            request
        }),
    ] {
        assert_eq!(post(request).await, "403 Forbidden", "{what}");
    }
    assert_eq!(text(&join(&site, &token).await), "200 ");
    assert_eq!(text(&join(&site, &token).await), "403 Forbidden", "a reused token");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_token_is_reported_only_with_a_valid_proof() {
    let hub = Hub::start().await;
    let token = hub.token("a");
    let site = ClusterClient::from_token(&token, keys("a")).unwrap();
    let sql = "UPDATE remote_cluster_tokens SET expiry = now() - interval '1 s'";
    store::testing::execute(&hub.database, sql).await.unwrap();
    assert_eq!(text(&join(&site, &token).await), "403 Join token has expired");
    let mut request = site.join_request(&token, Proof::Hmac).unwrap();
    request.headers.insert("authorization", protocol::proof::sign(b"guessed", b"x").parse().unwrap());
    assert_eq!(text(&site.exchange(request).await.unwrap()), "403 Forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_in_the_body_must_be_the_only_one_of_the_connection() {
    let hub = Hub::start().await;
    let token = hub.token("a");
    let (mine, other) = (keys("mine"), keys("other"));
    let site = || ClusterClient::from_token(&token, mine.clone()).unwrap();
    let body = join_body("a", &mine.certificate_pem(), Some(&token));
    let post = async |site: ClusterClient| {
        let request = Request::new(Method::POST, "/1.0/remote-cluster", body.clone());
        site.exchange(request).await.map(|answer| text(&answer))
    };
    let none = agent::client::Identity::None;
    assert_eq!(post(site().with_identity(none)).await.unwrap(), "403 Forbidden", "no certificate");
    assert_eq!(
        post(site().with_identity(other.identity())).await.unwrap(),
        "403 Forbidden",
        "another certificate"
    );
    let two = mine.sign_for(vec![mine.certificate().clone(), other.certificate().clone()]);
    assert_eq!(post(site().with_identity(two)).await.unwrap(), "403 Forbidden", "two certificates");
    let without_key = other.sign_for(vec![mine.certificate().clone()]);
    let refused = post(site().with_identity(without_key)).await;
    assert!(refused.is_err(), "a certificate without its key ends the handshake: {refused:?}");
    assert_eq!(post(site()).await.unwrap(), "200 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_enrolled_once() {
    let hub = Hub::start().await;
    let site = hub.enrol("first").await;
    let token = hub.token("second");
    let again = ClusterClient::from_token(&token, site.keys.clone()).unwrap();
    assert_eq!(
        text(&join(&again, &token).await),
        "409 This certificate is already enrolled under another name"
    );
    assert_eq!(beat(&site).await, "200 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_cluster_is_refused_by_every_unit_within_a_second() {
    let mut hub = Hub::start().await;
    let second = hub.add_unit().await.address;
    let site = hub.enrol("a").await;
    let elsewhere = Network { connect_to: Some(second), ..Network::default() };
    let on_second =
        ClusterClient::new("a", site.addresses.clone(), site.fingerprint, site.keys.clone()).unwrap();
    let on_second = on_second.with_network(elsewhere);
    assert_eq!(beat(&on_second).await, "200 ", "a cluster that joined at one unit is known to the other");
    let removed = hub.cli(["cluster", "remove", "a", "--yes"]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    let limit = Duration::from_secs(1);
    until("the other unit refuses it", limit, async || beat(&on_second).await == "403 Forbidden").await;
    assert_eq!(beat(&site).await, "403 Forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_data() {
    let hub = Hub::start().await;
    for name in
        ["a/b?c#d%", "<img src=x onerror=alert(1)>", "\"quoted\" 'name'; --", "🦀 café", &"é".repeat(255)]
    {
        let site = hub.enrol(name).await;
        assert_eq!(beat(&site).await, "200 ");
        assert_eq!(hub.shown(name)["name"], name);
    }
    assert_eq!(hub.store.clusters().await.unwrap().1.len(), 5);
}
