//! Nothing that is secret is in the database, in the log or in an answer, whatever is done: sign-ins, refreshes, joins,
//! service accounts, refusals, changes. Shown once, where a person needs it, and nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use agent::client::{Proof, Site};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::hub::{UNLIMITED, free_port, keys};
use harness::process::{Program, command};
use harness::{Api, Browser, Hub, IdentityProvider, wait};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const CLIENT_SECRET: &str = "canary-client-secret-0fb1";
const AUDIENCE: &str = "https://hub.example.com";
const SESSION: &str = "__Host-cm-session";

/// All that was answered, but for the answers that hand a secret out.
#[derive(Default)]
struct Answers(String);

impl Answers {
    async fn ask(&mut self, api: &Api, method: &str, path: &str, body: Value) -> Value {
        let reply = match body {
            Value::Null => api.send(method, path).await,
            body => api.send_json(method, path, body).await,
        };
        let _ = writeln!(self.0, "{method} {path} {} {:?} {}", reply.status, reply.headers, reply.text);
        reply.body
    }

    async fn browse(&mut self, browser: &mut Browser, path: &str) {
        let page = browser.fetch(path).await;
        let _ = writeln!(self.0, "{path} {} {:?} {}", page.status, page.headers, page.body);
    }
}

/// A secret in every form in which it could lie somewhere.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    vec![secret.to_owned(), hex::encode(bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
}

fn dump(hub: &Hub) -> String {
    let database = &hub.database;
    let output = Command::new("pg_dump")
        .args(["--host", &database.host, "--port", &database.port.to_string(), "--username", &database.user])
        .args(["--inserts", &database.name])
        .env("PGPASSWORD", database.password.expose_secret())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_database_in_the_log_or_in_an_answer() {
    let options = json!({ "clientSecret": CLIENT_SECRET, "lifetime": 3 });
    let provider = IdentityProvider::start(options).await;
    let settings = [
        UNLIMITED[0],
        UNLIMITED[1],
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
        ("OIDC_AUDIENCE", AUDIENCE),
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "json"),
    ];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    let port = free_port();
    let mut serve = command("cluster-manager", hub.variables());
    serve.args(["serve", "--connector-listen", &format!("127.0.0.1:{}", hub.address.port())]);
    serve.args(["--management-listen", &format!("127.0.0.1:{port}")]);
    let mut program = Program::start(serve);
    program.says("\"ready\"").await;

    let mut answers = Answers::default();
    let mut secrets: Vec<(&str, String)> = vec![
        ("the client secret", CLIENT_SECRET.to_owned()),
        ("the database's password", hub.database.password.expose_secret().to_owned()),
    ];

    // People sign in, are renewed, look around, sign out.
    let mut browser = Browser::new(([127, 0, 0, 1], port).into());
    browser.sign_in("admin", "/ui/").await;
    secrets.push(("a session's cookie", browser.cookie(SESSION).unwrap().value.clone()));
    let before = provider.issued().await.len();
    wait::until("the session is renewed", Duration::from_secs(30), async || {
        browser.who_am_i().await.is_ok() && provider.issued().await.len() > before
    })
    .await;
    for path in
        ["/1.0", "/1.0/sign-in", "/1.0/configuration", "/1.0/event", "/1.0/fleet", "/1.0/remote-cluster"]
    {
        answers.browse(&mut browser, path).await;
    }
    let mut tampered = browser.clone();
    let cookie = tampered.cookie(SESSION).unwrap().value.clone();
    tampered.set_cookie(SESSION, &format!("{}x", &cookie[..cookie.len() - 1]));
    answers.browse(&mut tampered, "/1.0").await;

    // Programs: an access token of the provider's, and a service account.
    let access_token = provider.access_token(AUDIENCE, &["admins"]).await;
    secrets.push(("an access token", access_token.clone()));
    let program_of_theirs = Api::of(&hub, port, Some(access_token.clone()));
    answers.ask(&program_of_theirs, "GET", "/1.0", Value::Null).await;
    let made =
        program_of_theirs.send_json("POST", "/1.0/service-account", json!({"name":"ci","role":"admin"}));
    let service_token = made.await.metadata()["token"].as_str().unwrap().to_owned();
    secrets.push(("a service account's token", service_token.clone()));
    let api = Api::of(&hub, port, Some(service_token.clone()));
    for wrong in [&service_token[..service_token.len() - 1], &access_token[..access_token.len() - 2]] {
        let nobody = Api::of(&hub, port, Some(wrong.to_owned()));
        answers.ask(&nobody, "GET", &format!("/1.0/event?search={wrong}"), Value::Null).await;
        answers.ask(&nobody, "DELETE", "/1.0/remote-cluster/a", Value::Null).await;
    }

    // Clusters join, in both ways, report and are changed.
    for (name, proof) in [("a", Proof::Token), ("b", Proof::Hmac)] {
        let made =
            api.send_json("POST", "/1.0/remote-cluster-join-token", json!({"cluster_name":name})).await;
        let token = made.metadata()["token"].as_str().unwrap().to_owned();
        let secret = protocol::JoinToken::decode(&token).unwrap().secret;
        secrets.push(("a join token", token.clone()));
        secrets.push(("a join secret", String::from_utf8(secret.expose().to_vec()).unwrap()));
        answers.ask(&api, "GET", "/1.0/remote-cluster-join-token", Value::Null).await;
        let keys = keys(name);
        let site = Site::from_token(&token, keys.clone()).unwrap();
        let wrong = agent::client::Request::new(http::Method::POST, "/1.0/remote-cluster", token.clone());
        let refused = site.exchange(wrong).await.unwrap().response;
        answers.0 += &String::from_utf8_lossy(&refused.body);
        let site = agent::client::join(&token, keys, proof).await.unwrap();
        site.heartbeat("{}").await.unwrap();
        let again = site.exchange(site.join_request(&token, Proof::Token).unwrap()).await.unwrap().response;
        answers.0 += &String::from_utf8_lossy(&again.body);
    }
    let unused =
        api.send_json("POST", "/1.0/remote-cluster-join-token", json!({"cluster_name":"unused"})).await;
    let unused = unused.metadata()["token"].as_str().unwrap().to_owned();
    let secret = protocol::JoinToken::decode(&unused).unwrap().secret;
    secrets.push(("an unused join secret", String::from_utf8(secret.expose().to_vec()).unwrap()));
    let change = json!({"action":"configure","filter":{},"change":{"description":"changed"}});
    answers.ask(&api, "POST", "/1.0/remote-cluster-bulk", change).await;
    answers
        .ask(&api, "POST", "/1.0/remote-cluster-bulk", json!({"action":"remove","names":["a","nobody"]}))
        .await;
    for path in
        ["/1.0/remote-cluster", "/1.0/remote-cluster/b", "/1.0/service-account", "/1.0/event?limit=500"]
    {
        answers.ask(&api, "GET", path, Value::Null).await;
    }
    browser.fetch("/oidc/logout").await;

    for token in provider.issued().await {
        secrets.push(("a token of the identity provider", token));
    }
    let key = std::fs::read_to_string(hub.folder().join("connector/tls.key")).unwrap();
    secrets.push(("the connector's private key", key.lines().nth(1).unwrap().to_owned()));

    let (database, log) = (dump(&hub), program.kill());
    assert!(log.contains("a cluster joined") && log.contains("signed in"), "the log is there");
    assert!(database.contains("INSERT INTO public.events") && database.contains("service-account.created"));
    assert!(answers.0.contains("cluster.removed") && answers.0.contains("401"));
    println!(
        "{} secrets looked for in {} kB of database, {} kB of log, {} kB of answers",
        secrets.len(),
        database.len() / 1000,
        log.len() / 1000,
        answers.0.len() / 1000
    );
    for (what, secret) in &secrets {
        for form in forms(secret) {
            assert!(!database.contains(&form), "{what} is in the database");
            assert!(!log.contains(&form), "{what} is in the log: {}", around(&log, &form));
            assert!(!answers.0.contains(&form), "{what} is in an answer: {}", around(&answers.0, &form));
        }
    }
}

/// What stands before it, so that a failure says where.
fn around<'a>(text: &'a str, found: &str) -> &'a str {
    let at = text.find(found).unwrap_or_default();
    let from = text.floor_char_boundary(at.saturating_sub(400));
    &text[from..at]
}
