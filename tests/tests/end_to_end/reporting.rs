//! Heartbeats, leaving, and whose calls the connector refuses (contract 1.2).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::client::{ClusterClient, Identity, Payload, Request, call};
use connector::{Connector, MemberExposition, MetricsSink, Options};
use edge::{ClientCertificate, Peer};
use harness::Hub;
use http::{Method, StatusCode};
use store::clusters::EnrolledCluster as Cluster;

const STATUS: &str = "/1.0/remote-cluster/status";

async fn post(site: &ClusterClient, body: impl Into<Payload>) -> (StatusCode, serde_json::Value) {
    let answer = site.exchange(Request::new(Method::POST, STATUS, body)).await.unwrap();
    let body = serde_json::from_slice(&answer.response.body).unwrap();
    (answer.response.status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_gets_the_contracts_response_and_is_shown_at_once() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let body = r#"{"ceph_statuses":null,"cpu_total_count":0,"cpu_load_1":"0.42","memory_total_amount":1000,
        "memory_usage":900,"storage_pool_usages":[{"name":"local","member":"m1","total":100,"usage":96}],
        "member_statuses":[{"status":"Online","count":2},{"status":"Offline","count":1}],
        "instance_statuses":[{"status":"Running","count":3},{"status":"Error","count":1}],
        "server_metrics":[{"member":"m1","service":"LXD","metrics":"a 1\n"}],"ui_url":"https://m1:8443"}"#;
    let (status, answer) = post(&site, body).await;
    assert_eq!(status, 200);
    let metadata = &answer["metadata"];
    assert_eq!(metadata["cluster_manager_address"], hub.address.to_string());
    let seconds: u32 = metadata["next_update_in_seconds"].as_str().unwrap().parse().unwrap();
    assert!((50..=70).contains(&seconds), "{metadata}");
    let shown = hub.shown("a");
    assert_eq!(shown["health"]["state"], "fresh");
    assert_eq!(shown["instance_count"], 4);
    assert_eq!(shown["storage_pool_usages"][0]["usage"], 96);
    let texts: Vec<_> =
        shown["warnings"].as_array().unwrap().iter().map(|w| w["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "1 member is Offline",
            "storage pool local on m1 is 96% full, above 80%",
            "memory is 90% used, above 80%",
            "1 instance is in Error"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_enrolled_clusters_may_report() {
    let hub = Hub::start().await;
    let enrolled = hub.enrol("a").await;
    let stranger = hub.cluster_without_token("stranger");
    let two = enrolled
        .keys
        .sign_for(vec![enrolled.keys.certificate().clone(), stranger.keys.certificate().clone()]);
    for (method, path) in [
        (Method::POST, STATUS),
        (Method::DELETE, "/1.0/remote-cluster"),
        (Method::GET, "/1.0/remote-cluster/ws"),
    ] {
        for (what, identity) in
            [("none", Identity::None), ("unknown", stranger.keys.identity()), ("two", two.clone())]
        {
            let site = hub.cluster_without_token("x").with_identity(identity);
            let answer = site.exchange(Request::new(method.clone(), path, "{}")).await.unwrap();
            assert_eq!(answer.response.status, 403, "{method} {path} with {what}");
        }
    }
    assert_eq!(post(&enrolled, "{}").await.0, 200, "the enrolled one is untouched");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_cluster_is_refused_before_its_body_is_read() {
    let hub = Hub::start().await;
    let stranger = hub.cluster_without_token("stranger");
    // It would take half a minute to arrive.
    let slow = Payload::slow(vec![b' '; 30], Duration::from_secs(1));
    let answer = tokio::time::timeout(Duration::from_secs(10), post(&stranger, slow)).await.unwrap();
    assert_eq!(answer.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_outside_its_validity_is_refused_with_the_reason() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let sql = "UPDATE remote_clusters SET certificate_not_after = '2020-02-03';
        SELECT pg_notify('cluster_manager_changes', 'configured ' || uid) FROM remote_clusters";
    store::testing::execute(&hub.database, sql).await.unwrap();
    harness::wait::until("the unit knows", Duration::from_secs(5), async || {
        post(&site, "{}").await.1["error"] == "The cluster's certificate expired on 2020-02-03"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_leaves_once() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    agent::client::leave(&site).await.unwrap();
    let again = agent::client::leave(&site).await.unwrap_err();
    assert_eq!(again.status().unwrap(), 403);
    assert!(hub.store.cluster("a").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_tunnel_is_reported_to_clusters_only() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    // As a WebSocket client asks: hyper hands over such a connection, and the response must still arrive.
    let mut request = Request::new(Method::GET, "/1.0/remote-cluster/ws", "");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request.headers.insert(name, value.parse().unwrap());
    }
    let plain = Request::new(Method::GET, "/1.0/remote-cluster/ws", "");
    assert_eq!(site.exchange(plain).await.unwrap().response.status, 501);
    let headers = request.headers.clone();
    assert_eq!(site.exchange(request).await.unwrap().response.status, 501);
    let mut request = Request::new(Method::GET, "/1.0/remote-cluster/ws", "");
    request.headers = headers;
    let stranger = hub.cluster_without_token("stranger");
    assert_eq!(stranger.exchange(request).await.unwrap().response.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_needs_no_certificate_and_every_connection_is_closed() {
    let hub = Hub::start().await;
    let answer = call(agent::client::CallOptions::new(hub.address.clone())).await.unwrap();
    assert_eq!((answer.status, &answer.headers["connection"]), (StatusCode::OK, &"close".parse().unwrap()));
    let site = hub.enrol("a").await;
    let answer = site.exchange(Request::new(Method::POST, STATUS, "{}")).await.unwrap();
    assert_eq!(answer.response.headers["connection"], "close");
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_that_calls_too_often_gets_retry_after() {
    let settings = [("RATE_LIMIT_BUCKET_SIZE", "20"), ("RATE_LIMIT_REFILL_RATE", "0.1")];
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    hub.add_unit().await;
    let site = hub.enrol("a").await;
    // The probes of those calls are counted by address; only the calls themselves by cluster.
    let direct = || agent::client::CallOptions {
        method: Method::POST,
        path: STATUS.to_owned(),
        identity: site.keys.identity(),
        body: Payload::whole("{}"),
        ..agent::client::CallOptions::new(hub.address.clone())
    };
    let mut refused = None;
    for _ in 0..25 {
        let response = call(direct()).await.unwrap();
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
        assert_eq!(response.status, 200);
    }
    let refused = refused.expect("25 beats in a row are too many for a bucket of 20");
    let seconds: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    let body: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(body["metadata"]["retry_after_seconds"], seconds.to_string());
}

/// Keeps the metrics that it receives.
#[derive(Default)]
struct Kept(Mutex<Vec<MemberExposition>>);

impl MetricsSink for Kept {
    fn accept(&self, _: &Cluster, metrics: Vec<MemberExposition>) {
        self.0.lock().unwrap().extend(metrics);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_handed_on_as_slices_of_the_body() {
    let hub = Hub::start().await;
    let site = hub.enrol("a").await;
    let sink = Arc::new(Kept::default());
    let options = Options {
        address: hub.address.clone(),
        limits: edge::rate_limit::LimitSettings::default(),
        sink: sink.clone(),
    };
    let connector = Connector::new(hub.store.clone(), options);
    connector.prepare().await.unwrap();
    let text = "a{b=\\\"c\\\"} 1\\n".repeat(5 * 1024 * 1024 / 15);
    let member = |name: &str| format!(r#"{{"member":"{name}","service":"LXD","metrics":"{text}"}}"#);
    let body = format!(r#"{{"server_metrics":[{},{}]}}"#, member("m1"), member("m2"));
    let certificate = site.keys.certificate();
    let fingerprint = protocol::Fingerprint::of_der(certificate);
    let certificate = ClientCertificate::One { fingerprint, der: certificate.to_vec().into() };
    let peer = Peer::new("192.0.2.1:1000".parse().unwrap(), certificate);
    let request = warp::test::request()
        .method("POST")
        .path(STATUS)
        .extension(peer)
        .extension(edge::RequestId::next())
        .body(body.clone());
    let answer = request.reply(&connector.routes()).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    let kept = sink.0.lock().unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|member| member.escaped == text.as_bytes()), "still escaped, whole");
    // As slices of one body, both texts are exactly as far apart as in the request.
    let apart = kept[1].escaped.as_ptr() as usize - kept[0].escaped.as_ptr() as usize;
    let sent = body.rfind(&text).unwrap() - body.find(&text).unwrap();
    assert_eq!(apart, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_that_clusters_have_is_accepted() {
    use agent::client::{KeyKind, Keys, Proof};
    let hub = Hub::start().await;
    let now = time::OffsetDateTime::now_utc();
    for kind in [KeyKind::P384, KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let name = format!("{kind:?}");
        let keys =
            Keys::generate_with(&name, kind, now - time::Duration::DAY, now + time::Duration::DAY).unwrap();
        let site = agent::client::join(&hub.token(&name), Arc::new(keys), Proof::Token).await.unwrap();
        assert_eq!(post(&site, "{}").await.0, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cluster_cannot_delay_large_reports_of_others() {
    let hub = Hub::start_unlimited().await;
    let (greedy, other) = (Arc::new(hub.enrol("greedy").await), hub.enrol("other").await);
    let large = || Payload::whole([vec![b' '; 2 << 20], b"{}".to_vec()].concat());
    // Bodies that do not end within the test; refused callers retry at once.
    let stalled: Vec<_> = (0..4)
        .map(|_| {
            let greedy = greedy.clone();
            tokio::spawn(async move {
                loop {
                    post(&greedy, Payload::slow(vec![b' '; 2 << 20], Duration::from_mins(1))).await;
                }
            })
        })
        .collect();
    harness::wait::until("the greedy one is told to come back", Duration::from_secs(10), async || {
        post(&greedy, large()).await.0 == 429
    })
    .await;
    let answer = tokio::time::timeout(Duration::from_secs(10), post(&other, large())).await;
    assert_eq!(answer.expect("nobody waits for the greedy one").0, 200);
    for task in stalled {
        task.abort();
    }
}
