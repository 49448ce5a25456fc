//! HTTP as its standards have it, on every route: HEAD, hosts, coded bodies, and parameters that mean nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use fleet::Role;
use harness::management::ApiResponse;
use harness::{Api, Browser, Hub, IdentityProvider, ManagementUnit, raw_https};
use http::header::{CONTENT_LENGTH, DATE, ETAG, HeaderMap, HeaderValue, SET_COOKIE, TRANSFER_ENCODING};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use management::http::routes::{ROUTES, Route};
use serde_json::json;
use store::DatabaseOptions;
use store::testing::texts;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

/// What people and clusters could have changed, row by row. Sealing changes events, so they are counted; refusals are
/// written later.
async fn everything(database: &DatabaseOptions) -> Vec<String> {
    let tables = "remote_clusters remote_cluster_details remote_cluster_config remote_cluster_tokens \
        remote_cluster_removals service_accounts identities sessions";
    let mut all =
        texts(database, "SELECT count(*)::text FROM events WHERE action NOT LIKE '%refused'").await.unwrap();
    for table in tables.split_whitespace() {
        let sql = format!("SELECT '{table} ' || row::text FROM {table} row ORDER BY 1");
        all.extend(texts(database, &sql).await.unwrap());
    }
    all
}

fn example(route: &Route) -> String {
    let path = route.path.replace("{name}", "paris").replace("{*rest}", "1.0");
    if path == "/1.0/changes" { "/1.0/changes?max=1".to_owned() } else { path }
}

/// The names of the headers, and the values of those that do not depend on the time.
fn lasting(mut headers: HeaderMap) -> HeaderMap {
    for name in [DATE, SET_COOKIE, TRANSFER_ENCODING, "x-request-id".parse().unwrap()] {
        headers.remove(name);
    }
    for name in [CONTENT_LENGTH, ETAG] {
        if let Some(value) = headers.get_mut(name) {
            *value = HeaderValue::from_static("varies");
        }
    }
    headers
}

#[tokio::test]
async fn head_of_every_route_is_get_without_a_body_and_changes_nothing() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    hub.enrol("paris").await;
    hub.token("rome");
    let admin = unit.as_role(&hub, Role::Admin).await;
    for route in ROUTES.iter().filter(|route| route.method == http::Method::GET) {
        let path = example(route);
        let got = admin.get(&path).await;
        let before = everything(&hub.database).await;
        let head = admin.send("HEAD", &path).await;
        assert_eq!((head.status, head.text.as_str()), (got.status, ""), "{path}");
        assert!(!head.headers.contains_key(SET_COOKIE), "{path}");
        // Every sign-in has its own address.
        if route.path != "/oidc/login" {
            assert_eq!(lasting(head.headers), lasting(got.headers), "{path}");
        }
        assert_eq!(everything(&hub.database).await, before, "{path}");
    }
    for route in ROUTES.iter().filter(|route| route.method != http::Method::GET) {
        let before = everything(&hub.database).await;
        admin.send("HEAD", &example(route)).await;
        assert_eq!(everything(&hub.database).await, before, "{}", route.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_neither_signs_out_nor_uses_up_a_sign_in() {
    let provider = IdentityProvider::start(json!({})).await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    browser.sign_in("admin", "/ui/").await;
    // Somebody else is about to sign in.
    let mut other = Browser::new(hub.managements()[0].address);
    let page = other.ask_to_sign_in("/ui/tokens").await;
    let asked = page.way.iter().find_map(|url| url.query_pairs().find(|(name, _)| name == "state"));
    let state = asked.unwrap().1.into_owned();
    let cookies = |browser: &Browser| {
        let all = browser.cookie_names().into_iter();
        let all = all.map(|name| format!("{name}={}", browser.cookie(name).unwrap().value));
        all.collect::<Vec<_>>().join("; ")
    };
    let cookies = [cookies(&browser), cookies(&other)].join("; ");
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let before = everything(&hub.database).await;
    let calls = provider.calls("/token").await;
    for (path, status, location) in [
        ("/oidc/logout".to_owned(), 302, "/ui/login/"),
        (format!("/oidc/callback?code=x&state={state}"), 302, "/ui/tokens"),
        (format!("/oidc/callback?error=access_denied&state={state}"), 403, ""),
        ("/oidc/callback?code=x&state=y".to_owned(), 400, ""),
    ] {
        let sent = client.head(browser.hub(&path)).header("cookie", &cookies).send().await.unwrap();
        let found = sent.headers().get("location").map_or("", |value| value.to_str().unwrap());
        assert_eq!((sent.status().as_u16(), found), (status, location), "{path}");
        assert!(!sent.headers().contains_key(SET_COOKIE), "{path}");
    }
    assert_eq!(everything(&hub.database).await, before);
    assert_eq!(provider.calls("/token").await, calls);
    assert!(browser.who_am_i().await.is_ok());
    assert_eq!(other.choose(&page, "admin").await.url.path(), "/ui/tokens");
    assert!(other.who_am_i().await.is_ok());
}

/// A request over HTTP/2 on a connection that was opened for `server_name`.
async fn shared(
    unit: SocketAddr,
    server_name: &str,
    authority: &str,
    method: &str,
    path: &str,
) -> (u16, Bytes) {
    let tls = agent::client::Tls::shared().unwrap();
    let mut config =
        (*tls.config(&agent::client::Identity::None, &agent::client::Trust::Anyone).unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = server_name.to_owned().try_into().unwrap();
    let stream = tokio::net::TcpStream::connect(unit).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder().method(method).uri(format!("https://{authority}{path}"));
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    (head.status.as_u16(), body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn request_for_another_host_on_a_shared_connection_is_421() {
    let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &[]);
    hub.certify("management", &["hub.example.com", "*.apps.example.com"]);
    let unit = hub.add_management().await;
    for (server_name, authority, status) in [
        ("hub.example.com", "hub.example.com", 200),
        ("hub.example.com", "hub.example.com:8443", 200),
        ("a.apps.example.com", "a.apps.example.com", 200),
        ("a.apps.example.com", "b.apps.example.com", 421),
        ("hub.example.com", "grafana.apps.example.com", 421),
        ("hub.example.com", "grafana.example.com", 421),
        ("grafana.example.com", "grafana.example.com", 421),
        // Health checkers, and people who forward a port.
        ("hub.example.com", "10.1.2.3:9000", 200),
        ("localhost", "localhost:9000", 200),
    ] {
        for path in ["/1.0/status", "/1.0/nothing", "/", "/ui/", "/oidc/logout"] {
            let (got, body) = shared(unit, server_name, authority, "GET", path).await;
            let case = format!("{authority} on a connection to {server_name}: {path}");
            match status {
                421 => assert!(got == 421 && body.starts_with(b"{\"type\":\"error\""), "{case}: {got}"),
                _ if path == "/1.0/status" => assert_eq!(got, 200, "{case}"),
                _ => assert_ne!(got, 421, "{case}"),
            }
        }
    }
    let (status, body) = shared(unit, "hub.example.com", "hub.example.com", "HEAD", "/1.0/status").await;
    assert_eq!((status, body.len()), (200, 0));
}

#[tokio::test]
async fn health_checkers_may_use_any_host_over_http1() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    for host in ["10.1.2.3:9000", "pod-1", "elb.internal.example", "localhost"] {
        for (path, status) in [("/1.0/status", 200), ("/", 302), ("/ui/", 200)] {
            let answer = raw_https::get(unit.address, host, path, &[("host", host)], false).await;
            assert_eq!(answer.status(), status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn request_that_names_no_host_or_two_is_400_on_both_services() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    for address in [unit.address, hub.units()[0].address] {
        for (hosts, version, status) in [
            ("", "1.1", "400"),
            ("Host: localhost\r\nHost: localhost\r\n", "1.1", "400"),
            ("Host: localhost\r\n", "1.1", "200"),
            ("Host: remote\r\n", "1.1", "200"),
            // HTTP/1.0 has no `Host`; simple health checks still use it.
            ("", "1.0", "200"),
        ] {
            let tls = agent::client::Tls::shared().unwrap();
            let config = tls.config(&agent::client::Identity::None, &agent::client::Trust::Anyone).unwrap();
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let name = "localhost".try_into().unwrap();
            let mut stream = TlsConnector::from(config).connect(name, stream).await.unwrap();
            let request = format!("GET /1.0/status HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert_eq!(answer.split(' ').nth(1), Some(status), "HTTP/{version} {hosts:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn coded_body_is_415_on_every_route_and_does_nothing() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    hub.enrol("paris").await;
    hub.token("rome");
    let admin = unit.as_role(&hub, Role::Admin).await;
    let before = everything(&hub.database).await;
    for route in ROUTES.iter().filter(|route| route.method != http::Method::GET) {
        let request = admin.request(route.method.as_str(), &example(route));
        let request = request.header("content-type", "application/json").header("content-encoding", "gzip");
        let reply = ApiResponse::read(request.body("{}")).await;
        assert_eq!(reply.status, 415, "{} {}: {}", route.method, route.path, reply.text);
        assert_eq!(reply.headers["accept-encoding"], "identity");
        assert!(reply.text.contains("Content-Encoding"), "{}", reply.text);
    }
    let lasting = |all: Vec<String>| -> Vec<String> {
        all.into_iter().filter(|row| !row.starts_with("service_accounts ")).collect()
    };
    assert_eq!(lasting(everything(&hub.database).await), lasting(before));
}

#[tokio::test]
async fn recursion_is_ignored_on_every_list() {
    let hub = Hub::start_unlimited().await;
    let unit = ManagementUnit::start(&hub).await;
    hub.enrol("paris").await;
    hub.token("rome");
    let admin: Api = unit.as_role(&hub, Role::Admin).await;
    let lists = ROUTES.iter().filter(|route| route.method == http::Method::GET);
    for route in lists.filter(|route| route.path.starts_with("/1.0") && !route.path.ends_with("{*rest}")) {
        let path = example(route);
        let plain = admin.get(&path).await;
        for recursion in ["recursion=1", "recursion=2", "recursion=", "recursion"] {
            let separator = if path.contains('?') { '&' } else { '?' };
            let reply = admin.get(&format!("{path}{separator}{recursion}")).await;
            assert_eq!(
                (reply.status, reply.body["metadata"].is_array()),
                (plain.status, plain.body["metadata"].is_array()),
                "{path} {recursion}"
            );
        }
    }
    let page = admin.get("/1.0/remote-cluster?limit=1&recursion=1").await;
    assert_eq!(page.metadata()["items"][0]["name"], "paris");
}
