//! A stand-in for an identity provider, which sends forged ID tokens that a real provider never sends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use warp::Filter as _;
use warp::http::{Response, StatusCode};

/// A running stand-in; stops when dropped. It signs with ECDSA P-256, at first under the key named `one`.
pub struct StandInProvider {
    /// Its issuer URL.
    pub issuer: String,
    state: Arc<Mutex<State>>,
    running: JoinHandle<()>,
}

/// How a token differs from a valid one.
#[derive(Debug, Clone, Default)]
pub struct Forgery {
    /// Fields of the header to replace; null removes one.
    pub header: Value,
    /// Claims to replace; null removes one.
    pub claims: Value,
    /// How it is signed.
    pub signed: Signed,
}

/// A fixed response of the token endpoint.
#[derive(Debug, Clone)]
pub struct FixedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signed {
    /// By the provider.
    #[default]
    ByProvider,
    /// With another key.
    WithOtherKey,
    /// No at all.
    No,
    /// With the provider's public key as if it were a shared secret.
    WithPublicKeyAsSecret,
}

struct State {
    issuer: String,
    key: EcdsaKeyPair,
    key_name: &'static str,
    other: EcdsaKeyPair,
    forgery: Forgery,
    /// Fields of the metadata to replace.
    metadata: Value,
    /// Fields of token responses to replace.
    tokens: Value,
    /// The nonce of each code's request.
    codes: BTreeMap<String, String>,
    /// The refresh tokens that are valid once more; `None`: it issues none.
    refresh_tokens: Option<BTreeSet<String>>,
    /// How long tokens are valid, in seconds.
    lifetime: i64,
    fixed_response: Option<FixedResponse>,
    last_id_token: String,
    calls: BTreeMap<String, u64>,
}

impl StandInProvider {
    /// Starts one whose tokens are valid.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let issuer = format!("http://{address}");
        let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let state = Arc::new(Mutex::new(State {
            issuer: issuer.clone(),
            key: key(),
            key_name: "one",
            other: key(),
            forgery: Forgery::default(),
            metadata: Value::Null,
            tokens: Value::Null,
            codes: BTreeMap::new(),
            refresh_tokens: None,
            lifetime: 300,
            fixed_response: None,
            last_id_token: String::new(),
            calls: BTreeMap::new(),
        }));
        let shared = state.clone();
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let all = warp::path::full().and(query).and(warp::body::bytes()).map(
            move |path: warp::path::FullPath, query: String, body: bytes::Bytes| {
                lock(&shared).respond_to(path.as_str(), &query, &String::from_utf8_lossy(&body))
            },
        );
        let running = tokio::spawn(async move { warp::serve(all).incoming(listener).run().await });
        Self { issuer, state, running }
    }

    /// Forges every ID token from now on.
    pub fn forge(&self, forgery: Forgery) {
        lock(&self.state).forgery = forgery;
    }

    /// Replaces fields of its metadata.
    pub fn replace_metadata(&self, metadata: Value) {
        lock(&self.state).metadata = metadata;
    }

    /// Replaces fields of every response with tokens from now on; null removes one.
    pub fn replace_tokens(&self, tokens: Value) {
        lock(&self.state).tokens = tokens;
    }

    /// Issues refresh tokens, each valid once, and tokens that expire after this many seconds.
    pub fn issue_refresh_tokens(&self, lifetime: i64) {
        let mut state = lock(&self.state);
        state.refresh_tokens = Some(BTreeSet::new());
        state.lifetime = lifetime;
    }

    /// Responds to every request for tokens like this from now on; `None`: with tokens.
    pub fn always_responds(&self, response: Option<FixedResponse>) {
        lock(&self.state).fixed_response = response;
    }

    /// Signs with another key from now on, named `two`, and no longer publishes the old one.
    pub fn rotate_key(&self) {
        let mut state = lock(&self.state);
        state.key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        state.key_name = "two";
    }

    /// An access token that differs from a valid one like this.
    pub fn access_token(&self, forgery: &Forgery) -> String {
        let state = lock(&self.state);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({"iss": state.issuer, "sub": "robot", "iat": now, "exp": now + 300,
            "mcm-idp-groups": ["admins"]});
        state.token("at+jwt", claims, forgery)
    }

    /// The last ID token.
    pub fn last_id_token(&self) -> String {
        lock(&self.state).last_id_token.clone()
    }

    /// The number of requests for a path.
    pub fn calls(&self, path: &str) -> u64 {
        lock(&self.state).calls.get(path).copied().unwrap_or_default()
    }
}

impl Drop for StandInProvider {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl State {
    fn respond_to(&mut self, path: &str, query: &str, body: &str) -> Response<String> {
        *self.calls.entry(path.to_owned()).or_default() += 1;
        let issuer = &self.issuer;
        let mut response = match path {
            "/.well-known/openid-configuration" => json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
            "/keys" => json!({"keys": [self.public_key()]}),
            "/authorize" => return self.authorize(query),
            "/token" => return self.tokens(body),
            _ => return respond(StatusCode::NOT_FOUND, &Value::Null),
        };
        if path.starts_with("/.well-known/") {
            replace(&mut response, &self.metadata);
        }
        respond(StatusCode::OK, &response)
    }

    /// Signs in everybody who asks.
    fn authorize(&mut self, query: &str) -> Response<String> {
        let asked = parameters(query);
        let code = format!("code-{}", self.codes.len());
        self.codes.insert(code.clone(), asked["nonce"].clone());
        let there = format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]);
        Response::builder().status(StatusCode::FOUND).header("location", there).body(String::new()).unwrap()
    }

    /// A code works once, and so does a refresh token.
    fn tokens(&mut self, body: &str) -> Response<String> {
        if let Some(FixedResponse { status, content_type, body }) = self.fixed_response.clone() {
            return Response::builder()
                .status(status)
                .header("content-type", content_type)
                .body(body)
                .unwrap();
        }
        let asked = parameters(body);
        let nonce = asked.get("code").and_then(|code| self.codes.remove(code));
        let presented = asked.get("refresh_token").zip(self.refresh_tokens.as_mut());
        let is_renewal = presented.is_some_and(|(token, known)| known.remove(token));
        if nonce.is_none() && !is_renewal {
            return respond(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}));
        }
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({"iss": self.issuer, "sub": "somebody", "aud": "cluster-manager", "iat": now,
            "exp": now + self.lifetime, "nonce": nonce, "mcm-idp-groups": ["admins"]});
        self.last_id_token = self.token("JWT", claims, &self.forgery);
        let mut response = json!({"access_token": "an access token", "token_type": "Bearer",
            "expires_in": self.lifetime, "id_token": self.last_id_token});
        if let Some(known) = &mut self.refresh_tokens {
            let token = format!("refresh-{}", self.calls["/token"]);
            known.insert(token.clone());
            response["refresh_token"] = Value::String(token);
        }
        replace(&mut response, &self.tokens);
        respond(StatusCode::OK, &response)
    }

    fn token(&self, typ: &str, mut claims: Value, forgery: &Forgery) -> String {
        let mut header = json!({"alg": "ES256", "kid": self.key_name, "typ": typ});
        replace(&mut header, &forgery.header);
        replace(&mut claims, &forgery.claims);
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let sign =
            |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec();
        let signature = match forgery.signed {
            Signed::ByProvider => sign(&self.key),
            Signed::WithOtherKey => sign(&self.other),
            Signed::No => Vec::new(),
            Signed::WithPublicKeyAsSecret => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.key.public_key().as_ref());
                hmac::sign(&secret, signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn public_key(&self) -> Value {
        // An uncompressed point: one byte that says so, then both coordinates.
        let point = self.key.public_key().as_ref();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_name,
            "x": encode(&point[1..33]), "y": encode(&point[33..65])})
    }
}

/// Replaces fields; null removes one, and `{"verbatim": null}` sets it to null.
fn replace(object: &mut Value, parts: &Value) {
    for (name, value) in parts.as_object().into_iter().flatten() {
        let object = object.as_object_mut().unwrap();
        match value.get("verbatim") {
            Some(verbatim) => drop(object.insert(name.clone(), verbatim.clone())),
            None if value.is_null() => drop(object.remove(name)),
            None => drop(object.insert(name.clone(), value.clone())),
        }
    }
}

fn parameters(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

fn respond(status: StatusCode, body: &Value) -> Response<String> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body.to_string()).unwrap()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
