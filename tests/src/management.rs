//! A management unit in this process, and a client that calls it as a program does.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fleet::service_account::{ServiceAccountName, ServiceToken};
use fleet::{Actor, Role};
use reqwest::{Certificate, Method};
use serde_json::Value;
use server::unit::{self, Addresses};
use settings::Source;
use store::access::NewServiceAccount;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Hub;

/// A management unit; stops when it is dropped.
pub struct ManagementUnit {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

/// A caller of the API, with or without credentials.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers of the response.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl ManagementUnit {
    /// Starts a unit with the hub's settings; waits until it is ready.
    pub async fn start(hub: &Hub) -> Self {
        let management = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let addresses = Addresses { management, ..Addresses::default() };
        let source = Source::from_variables(hub.variables().to_vec()).unwrap();
        let shutdown = CancellationToken::new();
        let (ready, bound) = oneshot::channel();
        let stopped = shutdown.clone();
        let running = tokio::spawn(async move {
            let on_bound = |bound| {
                let _ = ready.send(bound);
            };
            unit::run(&source, addresses, stopped, on_bound).await.unwrap();
        });
        let address = bound.await.expect("the unit starts").management.unwrap();
        let unit = Self { address, shutdown, running };
        let api = unit.anybody(hub);
        crate::wait::until("the management unit is ready", Duration::from_secs(30), async || {
            api.get("/1.0/status").await.status == 200
        })
        .await;
        unit
    }

    /// A caller without credentials.
    pub fn anybody(&self, hub: &Hub) -> Api {
        Api::of(hub, self.address.port(), None)
    }

    /// A caller with a new service account of this role.
    pub async fn as_role(&self, hub: &Hub, role: Role) -> Api {
        let token = ServiceToken::from_random(&rand::random());
        let account = NewServiceAccount {
            name: ServiceAccountName::new(format!("{role}-{}", rand::random::<u32>())).unwrap(),
            role,
            description: "made by a test".to_owned(),
            expiry: hub.store.now().await.unwrap() + time::Duration::HOUR,
        };
        let origin = Actor::command_line("test").locally();
        hub.store.put_service_account(&account, &token, &origin).await.unwrap();
        Api { token: Some(token.expose().to_owned()), ..self.anybody(hub) }
    }

    /// Shuts it down as a signal would; returns when it has finished.
    pub async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.unwrap();
    }
}

impl Drop for ManagementUnit {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Api {
    /// A caller with this token, at the management unit that listens on this port.
    pub fn of(hub: &Hub, port: u16, token: Option<String>) -> Self {
        let certificate = std::fs::read(hub.folder().join("management/tls.crt")).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([Certificate::from_pem(&certificate).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self { client, base: format!("https://localhost:{port}"), token }
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same caller at another unit on this machine.
    #[must_use]
    pub fn at(&self, port: u16) -> Self {
        Self { base: format!("https://localhost:{port}"), ..self.clone() }
    }

    /// A request with the caller's token.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request without a body.
    pub async fn send(&self, method: &str, path: &str) -> ApiResponse {
        ApiResponse::read(self.request(method, path)).await
    }

    /// Sends a request with a body.
    pub async fn send_json(&self, method: &str, path: &str, body: Value) -> ApiResponse {
        let request = self.request(method, path).header("content-type", "application/json");
        ApiResponse::read(request.body(body.to_string())).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> ApiResponse {
        self.send("GET", path).await
    }
}

impl ApiResponse {
    /// Sends the request and reads the response.
    pub async fn read(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// The metadata of a successful response.
    pub fn metadata(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        &self.body["metadata"]
    }

    /// The status and the error of a failed response.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}
