//! A real identity provider: the npm package `oidc-provider`, in `tests/identity-provider`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::Program;
use crate::programs::source_tree;

/// A running identity provider; ends when dropped.
pub struct IdentityProvider {
    /// Its issuer URL.
    pub issuer: String,
    program: Option<Program>,
    http: reqwest::Client,
}

impl IdentityProvider {
    /// Starts one with options of `tests/identity-provider/main.js`.
    pub async fn start(options: Value) -> Self {
        Self::start_at(0, options).await
    }

    /// Starts one on this port; 0: any free port.
    pub async fn start_at(port: u16, options: Value) -> Self {
        let mut command = Command::new("node");
        command.current_dir(installed()).args(["main.js", "--port", &port.to_string(), "--options"]);
        command.arg(options.to_string());
        let mut program = Program::start(command);
        program.prints("\nready ").await;
        let http =
            reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
        let output = program.output();
        let issuer = output.lines().find_map(|line| line.strip_prefix("ready ")).unwrap().to_owned();
        Self { issuer, program: Some(program), http }
    }

    /// Changes options while it runs.
    pub async fn set(&self, options: Value) {
        self.call("options", options).await;
    }

    /// Signs with a new key from now on, and no longer publishes the old one.
    pub async fn rotate_keys(&self) {
        self.call("rotate-keys", json!({})).await;
    }

    /// The number of requests for a path.
    pub async fn calls(&self, path: &str) -> u64 {
        self.call("calls", json!({})).await["calls"][path].as_u64().unwrap_or_default()
    }

    /// Every token that it has issued.
    pub async fn issued(&self) -> Vec<String> {
        let tokens = self.call("calls", json!({})).await["issued"].take();
        serde_json::from_value(tokens).unwrap()
    }

    /// An access token for a program, for this audience, as a member of these groups.
    pub async fn access_token(&self, audience: &str, groups: &[&str]) -> String {
        self.set(json!({ "robotGroups": groups })).await;
        let body = format!("grant_type=client_credentials&scope=openid&resource={audience}");
        let request = self.http.post(format!("{}/token", self.issuer));
        let request = request.basic_auth("robot", Some("robots-have-no-secrets"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Everything that it has printed so far.
    pub fn output(&self) -> String {
        self.program.as_ref().map(Program::output).unwrap_or_default()
    }

    /// Kills it. Returns what it printed.
    pub fn stop(mut self) -> String {
        self.program.take().map(Program::kill).unwrap_or_default()
    }

    async fn call(&self, what: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}/test/{what}", self.issuer)).body(body.to_string());
        let answer = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

/// The folder in which it is installed. Installs it once, and again when the sources change.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let done = Command::new(source_tree().join("tools/identity-provider")).arg("install").status();
        assert!(done.expect("it starts").success(), "the identity provider cannot be installed");
        source_tree().join("target/identity-provider")
    })
}
