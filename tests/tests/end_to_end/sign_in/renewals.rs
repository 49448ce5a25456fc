//! What the response to a renewal does to a session: what ends it, what postpones the renewal, and what it changes.

use std::net::SocketAddr;
use std::time::Duration;

use harness::stand_in_provider::{FixedResponse, Forgery, StandInProvider};
use harness::{Browser, Hub, wait};
use http::StatusCode;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(15);

/// A provider whose tokens must be renewed after a second.
async fn stand_in_and_hub() -> (StandInProvider, Hub, SocketAddr) {
    let provider = StandInProvider::start().await;
    provider.issue_refresh_tokens(1);
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let address = hub.managements()[0].address;
    (provider, hub, address)
}

async fn signed_in(address: SocketAddr) -> Browser {
    let mut browser = Browser::new(address);
    let page = browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert_eq!(page.url.path(), "/ui/", "{page:?}");
    browser
}

fn claims(claims: Value) -> Forgery {
    Forgery { claims, ..Forgery::default() }
}

fn error(code: &str) -> FixedResponse {
    FixedResponse {
        status: 400,
        content_type: "application/json",
        body: json!({ "error": code }).to_string(),
    }
}

async fn tokens_expire() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_without_groups_claim_after_renewal_has_no_role() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    provider.forge(claims(json!({"name": "Ada", "email": "ada@example.com"})));
    let mut browser = signed_in(address).await;
    assert_eq!(browser.who_am_i().await.unwrap()["role"], "admin");
    provider.forge(claims(json!({"mcm-idp-groups": null})));
    wait::until("the role is gone", SOON, async || browser.who_am_i().await.unwrap()["role"].is_null()).await;
    let me = browser.who_am_i().await.unwrap();
    assert_eq!((&me["name"], &me["email"]), (&json!("Ada"), &json!("ada@example.com")), "who they are stays");
    assert_eq!(me["groups"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_error_about_the_person_ends_the_session() {
    let (provider, hub, address) = stand_in_and_hub().await;
    let codes = ["invalid_grant", "access_denied", "interaction_required", "login_required", "invented"];
    let mut browsers = Vec::new();
    for _ in codes {
        browsers.push(signed_in(address).await);
    }
    tokens_expire().await;
    for (code, mut browser) in codes.into_iter().zip(browsers) {
        provider.always_responds(Some(error(code)));
        assert_eq!(browser.who_am_i().await, Err(StatusCode::UNAUTHORIZED), "{code}");
    }
    let sessions = store::testing::texts(&hub.database, "SELECT subject FROM sessions").await.unwrap();
    assert!(sessions.is_empty(), "{sessions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_or_hub_error_postpones_the_renewal() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let page = |status| FixedResponse { status, content_type: "text/html", body: "<html>".to_owned() };
    let slow_down = FixedResponse { status: 429, ..error("slow_down") };
    let answers = [
        error("invalid_client"),
        error("unauthorized_client"),
        error("temporarily_unavailable"),
        error("server_error"),
        slow_down,
        page(403),
        page(200),
        // Last, because the provider is not called for a while after it.
        page(503),
    ];
    let mut browsers = Vec::new();
    for _ in &answers {
        browsers.push(signed_in(address).await);
    }
    tokens_expire().await;
    let mut renewals = provider.calls("/token");
    for (answer, browser) in answers.iter().zip(&mut browsers) {
        provider.always_responds(Some(answer.clone()));
        for _ in 0..3 {
            assert!(browser.who_am_i().await.is_ok(), "{answer:?}");
        }
        renewals += 1;
        assert_eq!(provider.calls("/token"), renewals, "one try is enough for a moment: {answer:?}");
        let state = if answer.status == 503 { "away" } else { "reachable" };
        let about = browser.fetch("/1.0/sign-in").await.json();
        assert_eq!(about["metadata"]["provider"], state, "{answer:?}");
    }
    provider.always_responds(None);
    provider.forge(claims(json!({"mcm-idp-groups": ["viewers"]})));
    for browser in &mut browsers {
        wait::until("the session is renewed", SOON, async || {
            browser.who_am_i().await.unwrap()["groups"] == json!(["viewers"])
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_could_not_be_fetched_yet_ends_no_session() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = signed_in(address).await;
    tokens_expire().await;
    // A sign-in names an unknown key, so that keys are not fetched for some seconds.
    let header = |kid: &str| Forgery { header: json!({ "kid": kid }), ..Forgery::default() };
    provider.forge(header("nobody has this"));
    let mut other = Browser::new(address);
    let page = other.open(other.hub("/oidc/login"), Some(&other.hub("/ui/"))).await;
    assert_eq!(page.status, 403, "{page:?}");
    let (keys, renewals) = (provider.calls("/keys"), provider.calls("/token"));
    provider.forge(claims(json!({"mcm-idp-groups": ["viewers"]})));
    provider.rotate_key();
    assert_eq!(browser.who_am_i().await.unwrap()["role"], "admin", "it goes on as it was");
    assert_eq!((provider.calls("/keys"), provider.calls("/token")), (keys, renewals + 1));
    // The refresh token of the response that could not be verified is the valid one.
    wait::until("the session is renewed", SOON, async || {
        browser.who_am_i().await.unwrap()["groups"] == json!(["viewers"])
    })
    .await;
}
