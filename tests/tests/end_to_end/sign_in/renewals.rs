//! What a renewal's answer does to a session: what ends it, what only puts it off, and what it changes.

use std::net::SocketAddr;
use std::time::Duration;

use harness::stand_in_provider::{Answer, Forgery, StandInProvider};
use harness::{Browser, Hub, wait};
use http::StatusCode;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(15);

/// A provider whose tokens must be renewed after a second.
async fn stand_in_and_hub() -> (StandInProvider, Hub, SocketAddr) {
    let provider = StandInProvider::start().await;
    provider.gives_refresh_tokens(1);
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

fn error(code: &str) -> Answer {
    Answer { status: 400, content_type: "application/json", body: json!({ "error": code }).to_string() }
}

async fn tokens_expire() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_group_any_more_has_no_role_though_the_provider_omits_the_claim() {
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
async fn whatever_the_provider_has_against_the_person_ends_the_session() {
    let (provider, hub, address) = stand_in_and_hub().await;
    let codes = ["invalid_grant", "access_denied", "interaction_required", "login_required", "invented"];
    let mut browsers = Vec::new();
    for _ in codes {
        browsers.push(signed_in(address).await);
    }
    tokens_expire().await;
    for (code, mut browser) in codes.into_iter().zip(browsers) {
        provider.answers(Some(error(code)));
        assert_eq!(browser.who_am_i().await, Err(StatusCode::UNAUTHORIZED), "{code}");
    }
    let sessions = store::testing::texts(&hub.database, "SELECT subject FROM sessions").await.unwrap();
    assert!(sessions.is_empty(), "{sessions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_us_or_the_provider_puts_a_renewal_off() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let page = |status| Answer { status, content_type: "text/html", body: "<html>".to_owned() };
    let slow_down = Answer { status: 429, ..error("slow_down") };
    let answers = [
        error("invalid_client"),
        error("unauthorized_client"),
        error("temporarily_unavailable"),
        error("server_error"),
        slow_down,
        page(403),
        page(200),
        // The last: nobody is asked for a moment after it.
        page(503),
    ];
    let mut browsers = Vec::new();
    for _ in &answers {
        browsers.push(signed_in(address).await);
    }
    tokens_expire().await;
    let mut renewals = provider.calls("/token");
    for (answer, browser) in answers.iter().zip(&mut browsers) {
        provider.answers(Some(answer.clone()));
        for _ in 0..3 {
            assert!(browser.who_am_i().await.is_ok(), "{answer:?}");
        }
        renewals += 1;
        assert_eq!(provider.calls("/token"), renewals, "one try is enough for a moment: {answer:?}");
        let state = if answer.status == 503 { "away" } else { "reachable" };
        let about = browser.fetch("/1.0/sign-in").await.json();
        assert_eq!(about["metadata"]["provider"], state, "{answer:?}");
    }
    provider.answers(None);
    provider.forge(claims(json!({"mcm-idp-groups": ["viewers"]})));
    for browser in &mut browsers {
        wait::until("the session is renewed", SOON, async || {
            browser.who_am_i().await.unwrap()["groups"] == json!(["viewers"])
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_could_not_be_looked_for_yet_ends_no_session() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = signed_in(address).await;
    tokens_expire().await;
    // Somebody's sign-in names a key that there is not, so that none is looked for in the next seconds.
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
    // The refresh token of the answer that could not be verified is the one that is good.
    wait::until("the session is renewed", SOON, async || {
        browser.who_am_i().await.unwrap()["groups"] == json!(["viewers"])
    })
    .await;
}
