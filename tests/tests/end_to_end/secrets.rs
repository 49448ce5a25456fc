//! No secret is in the database, in the log or in a response, whatever happens: sign-ins, renewals, joins,
//! service accounts, refusals, changes. It is shown once, where a person needs it, and nowhere else.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use agent::client::{ClusterClient, Proof, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::hub::{UNLIMITED, free_port, keys};
use harness::process::{Program, command};
use harness::{Api, Browser, Hub, IdentityProvider, wait};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const CLIENT_SECRET: &str = "canary-client-secret-0fb1";
const SINK_PASSWORD: &str = "canary-sink-password-93ac";
const SINK_TOKEN: &str = "canary-sink-token-5d07";
const SINKS: &str = "http://127.0.0.1:1/other http://hub:canary-sink-password-93ac@127.0.0.1:1/write";
const AUDIENCE: &str = "https://hub.example.com";
const SESSION: &str = "__Host-cm-session";
const PAGES: [&str; 9] = [
    "/1.0",
    "/1.0/sign-in",
    "/1.0/configuration",
    "/1.0/fleet",
    "/1.0/remote-cluster",
    "/1.0/remote-cluster/b",
    "/1.0/remote-cluster-join-token",
    "/1.0/service-account",
    "/1.0/event?limit=500",
];

/// All responses, except those that hand out a secret.
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

/// A secret in every form in which it could be stored.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    vec![secret.to_owned(), hex::encode(bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
}

fn dump(hub: &Hub) -> String {
    let database = &hub.database;
    let (host, port) = database.host_and_port();
    let output = Command::new("pg_dump")
        .args(["--host", &host, "--port", &port, "--username", &database.user])
        .args(["--inserts", &database.name])
        .env("PGPASSWORD", database.password.expose_secret())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What happens, and the secrets that must not be found anywhere afterwards.
struct Story {
    provider: IdentityProvider,
    hub: Hub,
    port: u16,
    answers: Answers,
    secrets: Vec<(&'static str, String)>,
}

impl Story {
    /// People sign in, are renewed, use the API and present an invalid cookie.
    async fn people(&mut self) -> Browser {
        let mut browser = Browser::new(([127, 0, 0, 1], self.port).into());
        browser.sign_in("admin", "/ui/").await;
        let cookie = browser.cookie(SESSION).unwrap().value.clone();
        self.secrets.push(("a session's cookie", cookie.clone()));
        let before = self.provider.issued().await.len();
        wait::until("the session is renewed", Duration::from_secs(30), async || {
            browser.who_am_i().await.is_ok() && self.provider.issued().await.len() > before
        })
        .await;
        for path in PAGES {
            self.answers.browse(&mut browser, path).await;
        }
        let mut tampered = browser.clone();
        tampered.set_cookie(SESSION, &format!("{}x", &cookie[..cookie.len() - 1]));
        self.answers.browse(&mut tampered, "/1.0").await;
        browser
    }

    /// A program with an access token creates a service account; others present almost valid tokens.
    async fn programs(&mut self) -> Api {
        let access_token = self.provider.access_token(AUDIENCE, &["admins"]).await;
        self.secrets.push(("an access token", access_token.clone()));
        let theirs = Api::of(&self.hub, self.port, Some(access_token.clone()));
        self.answers.ask(&theirs, "GET", "/1.0", Value::Null).await;
        let wanted = json!({"name":"ci","role":"admin"});
        let made = theirs.send_json("POST", "/1.0/service-account", wanted).await;
        let token = made.metadata()["token"].as_str().unwrap().to_owned();
        self.secrets.push(("a service account's token", token.clone()));
        for wrong in [&token[..token.len() - 1], &access_token[..access_token.len() - 2]] {
            let nobody = Api::of(&self.hub, self.port, Some(wrong.to_owned()));
            self.answers.ask(&nobody, "GET", &format!("/1.0/event?search={wrong}"), Value::Null).await;
            self.answers.ask(&nobody, "DELETE", "/1.0/remote-cluster/a", Value::Null).await;
        }
        Api::of(&self.hub, self.port, Some(token))
    }

    async fn join_token(&mut self, api: &Api, name: &str) -> String {
        let wanted = json!({ "cluster_name": name });
        let made = api.send_json("POST", "/1.0/remote-cluster-join-token", wanted).await;
        let token = made.metadata()["token"].as_str().unwrap().to_owned();
        let secret = protocol::JoinToken::decode(&token).unwrap().secret;
        self.secrets.push(("a join token", token.clone()));
        self.secrets.push(("a join secret", String::from_utf8(secret.expose().to_vec()).unwrap()));
        token
    }

    /// Clusters join with both proofs, and again with the same token; one token stays unused.
    async fn clusters(&mut self, api: &Api) {
        for (name, proof) in [("a", Proof::Token), ("b", Proof::Hmac)] {
            let token = self.join_token(api, name).await;
            self.answers.ask(api, "GET", "/1.0/remote-cluster-join-token", Value::Null).await;
            let keys = keys(name);
            let site = ClusterClient::from_token(&token, keys.clone()).unwrap();
            let nonsense = Request::new(http::Method::POST, "/1.0/remote-cluster", token.clone());
            let refused = site.exchange(nonsense).await.unwrap().response;
            self.answers.0 += &String::from_utf8_lossy(&refused.body);
            let site = agent::client::join(&token, keys, proof).await.unwrap();
            let metrics =
                r#"{"server_metrics":[{"member":"m","service":"LXD","metrics":"lxd_procs_total 1\n"}]}"#;
            site.heartbeat(metrics).await.unwrap();
            let again = site.exchange(site.join_request(&token, Proof::Token).unwrap()).await.unwrap();
            self.answers.0 += &String::from_utf8_lossy(&again.response.body);
        }
        self.join_token(api, "unused").await;
        for request in [
            json!({"action":"configure","filter":{},"change":{"description":"changed"}}),
            json!({"action":"remove","names":["a","nobody"]}),
        ] {
            self.answers.ask(api, "POST", "/1.0/remote-cluster-bulk", request).await;
        }
        for path in PAGES {
            self.answers.ask(api, "GET", path, Value::Null).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_database_log_or_response() {
    let provider = IdentityProvider::start(json!({ "clientSecret": CLIENT_SECRET, "lifetime": 3 })).await;
    let settings = [
        UNLIMITED[0],
        UNLIMITED[1],
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
        ("OIDC_AUDIENCE", AUDIENCE),
        // Nothing listens there: every attempt to write fails and is logged.
        ("PROMETHEUS_BASE_URL", SINKS),
        ("RELAY_BEARER_TOKEN", SINK_TOKEN),
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "json"),
    ];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    let port = free_port();
    let mut serve = command("cluster-manager", hub.variables());
    serve.args(["serve", "--connector-listen", &format!("127.0.0.1:{}", hub.address.port())]);
    serve.args(["--management-listen", &format!("127.0.0.1:{port}")]);
    let mut program = Program::start(serve);
    program.prints("\"ready\"").await;
    let key = std::fs::read_to_string(hub.folder().join("connector/tls.key")).unwrap();
    let secrets = vec![
        ("the client secret", CLIENT_SECRET.to_owned()),
        ("the database's password", hub.database.password.expose_secret().to_owned()),
        ("a sink's password", SINK_PASSWORD.to_owned()),
        ("the sinks' token", SINK_TOKEN.to_owned()),
        ("the connector's private key", key.lines().nth(1).unwrap().to_owned()),
    ];

    let mut story = Story { provider, hub, port, answers: Answers::default(), secrets };
    let mut browser = story.people().await;
    let api = story.programs().await;
    story.clusters(&api).await;
    browser.fetch("/oidc/logout").await;
    let issued = story.provider.issued().await;
    story.secrets.extend(issued.into_iter().map(|token| ("a token of the identity provider", token)));

    let (database, log, answers) = (dump(&story.hub), program.kill(), story.answers.0);
    assert!(log.contains("a cluster joined") && log.contains("signed in"), "the log is there");
    assert!(database.contains("INSERT INTO public.events") && database.contains("service-account.created"));
    assert!(answers.contains("cluster.removed") && answers.contains("401"));
    let kilobytes = [&database, &log, &answers].map(|text| text.len() / 1000);
    println!("{} secrets looked for in kB of database, log, answers: {kilobytes:?}", story.secrets.len());
    for (what, secret) in &story.secrets {
        for form in forms(secret) {
            for (place, text) in [("database", &database), ("log", &log), ("answers", &answers)] {
                assert!(!text.contains(&form), "{what} is in the {place}, after: {}", before(text, &form));
            }
        }
    }
}

/// The text before it, so that a failure shows where.
fn before<'a>(text: &'a str, found: &str) -> &'a str {
    let at = text.find(found).unwrap_or_default();
    let from = text.floor_char_boundary(at.saturating_sub(400));
    &text[from..at]
}
