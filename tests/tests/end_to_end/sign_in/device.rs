//! `cluster-manager login` at a real identity provider: the device authorization grant (RFC 8628), from the code on a
//! terminal to a browser that confirms it, and the access token's renewal.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use harness::process::{Ended, command};
use harness::{Hub, IdentityProvider, Program};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

const AUDIENCE: &str = "https://hub.example.com/api";
const SETTINGS: &[(&str, &str)] =
    &[("OIDC_AUDIENCE", AUDIENCE), ("ROLE_MAPPING", "admins=admin,operators=operator")];

/// A person's machine, with a hub and its identity provider elsewhere.
struct Desk {
    hub: Hub,
    provider: IdentityProvider,
    home: TempDir,
}

/// As much of a browser as the provider's pages need: it keeps cookies and sends forms.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Desk {
    async fn new(options: Value) -> Self {
        let provider = IdentityProvider::start(options).await;
        let hub = Hub::start_management(&provider.issuer, SETTINGS).await;
        Self { hub, provider, home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let address = format!("https://localhost:{}", self.hub.managements()[0].address.port());
        let ca_file = self.hub.folder().join("management/tls.crt").to_str().unwrap().to_owned();
        let variables = [
            ("XDG_CONFIG_HOME", self.home.path().to_str().unwrap().to_owned()),
            ("CLUSTER_MANAGER_REMOTE", address),
            ("CLUSTER_MANAGER_CA_FILE", ca_file),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let mut command = command("cluster-manager", &variables);
        command.env_remove("CLUSTER_MANAGER_TOKEN").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).stdin(std::process::Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts to sign in. Returns the address to open.
    async fn begin(&self) -> (Program, Url) {
        let mut login = Program::start(self.command(&["login"]));
        login.prints("(or open ").await;
        login.prints(")\n").await;
        let said = login.output();
        let address = said.split_once("(or open ").unwrap().1.split_once(')').unwrap().0;
        (login, address.parse().unwrap())
    }

    async fn sign_in(&self, person: &str) -> String {
        let (login, address) = self.begin().await;
        Browser::default().confirm(address, person).await;
        let (ended, said) = login.ends(Duration::from_secs(30)).await;
        assert!(ended.success(), "{said}");
        said
    }

    fn kept(&self) -> Value {
        let path = self.home.path().join("cluster-manager/credentials.json");
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        kept["hubs"].as_object().unwrap().values().next().unwrap()["sign_in"].clone()
    }
}

impl Browser {
    /// Confirms a code as this person: sends every form, and chooses the person when asked.
    async fn confirm(&mut self, address: Url, person: &str) {
        let (mut url, mut form) = (address, None);
        for _ in 0..20 {
            let (at, page) = self.load(url.clone(), form.take()).await;
            if at.path().starts_with("/interaction/") && at.query().is_none() {
                url = at;
                url.set_query(Some(&format!("person={person}")));
            } else if url.query() == Some("person=cancel") {
                // The provider offers to start again.
                return;
            } else if let Some((action, fields)) = form_of(&page) {
                url = at.join(&action).unwrap();
                form = Some(fields);
            } else {
                return;
            }
        }
        panic!("it goes round in circles");
    }

    /// Loads a page, following redirects.
    async fn load(&mut self, mut url: Url, mut form: Option<Vec<(String, String)>>) -> (Url, String) {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        loop {
            let request = match form.take() {
                Some(fields) => http.post(url.clone()).form(&fields),
                None => http.get(url.clone()),
            };
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
            }
            match answer.headers().get("location") {
                Some(next) => url = url.join(next.to_str().unwrap()).unwrap(),
                None => return (url, answer.text().await.unwrap()),
            }
        }
    }
}

/// The form of a page: its address and its hidden fields.
fn form_of(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let (_, form) = page.split_once("<form")?;
    let action = attribute(form, "action")?;
    let inputs = form.split("<input").skip(1).filter(|tag| tag.contains("type=\"hidden\""));
    let fields = inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
    Some((action, fields.collect()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_confirmed_in_a_browser_signs_in_the_command_line() {
    let desk = Desk::new(json!({})).await;
    let said = desk.sign_in("operator").await;
    assert!(said.contains("in a browser and confirm the code") && said.contains("(operator)"), "{said}");
    let who = desk.run(&["whoami", "-o", "json"]);
    let who: Value = serde_json::from_str(&who.out).unwrap();
    assert_eq!((&who["role"], &who["kind"]), (&json!("operator"), &json!("person")));
    assert_eq!(desk.run(&["token", "list"]).code, Some(0));
    let kept = desk.kept();
    for key in ["access_token", "refresh_token"] {
        assert!(!said.contains(kept[key].as_str().unwrap()), "{key} is not shown");
    }
    assert_eq!(desk.run(&["logout"]).code, Some(0));
    assert!(desk.run(&["whoami"]).err.contains("you are not signed in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_token_is_renewed_once_for_concurrent_commands() {
    // Each access token must be renewed at once, and each refresh token works once.
    let desk = Desk::new(json!({ "lifetime": 20 })).await;
    desk.sign_in("admin").await;
    let before = desk.kept();
    let commands: Vec<_> = (0..4).map(|_| Program::start(desk.command(&["whoami"]))).collect();
    for command in commands {
        let (ended, said) = command.ends(Duration::from_secs(60)).await;
        assert!(ended.success() && said.contains("admin"), "{said}");
    }
    let after = desk.kept();
    assert_ne!(
        (&before["access_token"], &before["refresh_token"]),
        (&after["access_token"], &after["refresh_token"])
    );

    desk.provider.set(json!({ "down": true })).await;
    let away = desk.run(&["whoami"]);
    assert!(away.code == Some(5) && away.err.contains(&desk.provider.issuer), "{away:?}");
    assert_eq!(desk.kept(), after, "the renewal can be tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_without_refresh_token_ends_with_its_token() {
    let desk = Desk::new(json!({ "lifetime": 20, "refreshTokens": false })).await;
    desk.sign_in("admin").await;
    let ended = desk.run(&["whoami"]);
    assert!(ended.code == Some(1) && ended.err.contains("has expired: run"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_in_the_browser_signs_nobody_in() {
    let desk = Desk::new(json!({})).await;
    let (login, address) = desk.begin().await;
    Browser::default().confirm(address, "cancel").await;
    let (ended, said) = login.ends(Duration::from_secs(30)).await;
    assert!(ended.code() == Some(1) && said.contains("was refused in the browser"), "{said}");
    assert_eq!(desk.run(&["logout"]).code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_needs_a_secret_is_reported() {
    let desk = Desk::new(json!({ "clientSecret": "only the hub knows" })).await;
    let login = desk.run(&["login"]);
    assert!(login.code == Some(1) && login.err.contains("make it a public client"), "{login:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_without_an_audience_asks_for_a_service_account() {
    let provider = IdentityProvider::start(json!({})).await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let desk = Desk { hub, provider, home: tempfile::tempdir().unwrap() };
    let login = desk.run(&["login"]);
    assert!(login.code == Some(2) && login.err.contains("OIDC_AUDIENCE is not set there"), "{login:?}");
    desk.provider.stop();
}
