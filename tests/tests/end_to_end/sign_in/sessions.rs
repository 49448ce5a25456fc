//! What becomes of a session: renewed with the provider, ended by time, and of no use to who steals half of it.

use std::time::Duration;

use harness::{Browser, Hub, IdentityProvider, wait};
use serde_json::{Value, json};
use store::testing::{execute, texts};

const SESSION: &str = "__Host-cm-session";
const SOON: Duration = Duration::from_secs(15);

async fn signed_in(options: Value, settings: &[(&str, &str)]) -> (IdentityProvider, Hub, Browser) {
    let provider = IdentityProvider::start(options).await;
    let hub = Hub::start_management(&provider.issuer, settings).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    browser.sign_in("admin", "/ui/").await;
    assert!(browser.who_am_i().await.is_ok());
    (provider, hub, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_tokens_are_renewed_with_current_groups() {
    let settings = [("ROLE_MAPPING", "admins=admin,viewers=viewer")];
    let (provider, _hub, mut browser) = signed_in(json!({"lifetime": 1}), &settings).await;
    let cookie = browser.cookie(SESSION).cloned();
    let people = json!({"admin": {"name": "Ada Viewer", "email": "ada@example.com", "groups": ["viewers"]}});
    provider.set(json!({"people": people})).await;
    wait::until("the role changes", SOON, async || {
        let me = browser.who_am_i().await.unwrap();
        me["role"] == "viewer" && me["name"] == "Ada Viewer" && me["email"] == "ada@example.com"
    })
    .await;
    assert_eq!(browser.cookie(SESSION).cloned(), cookie);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_is_renewed_once_for_concurrent_requests_to_all_units() {
    // The provider revokes everything when a refresh token is used twice.
    let (provider, mut hub, browser) = signed_in(json!({"lifetime": 2}), &[]).await;
    let second = hub.add_management().await;
    let before = provider.calls("/token").await;
    let mut browsers = vec![browser; 16];
    for browser in browsers.iter_mut().step_by(2) {
        browser.go_to_unit(second);
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    provider.set(json!({"lifetime": 300})).await;
    let asked = browsers.into_iter().map(|mut browser| tokio::spawn(async move { browser.who_am_i().await }));
    for answer in asked.collect::<Vec<_>>() {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(provider.calls("/token").await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_is_aborted_during_a_renewal_does_not_end_the_session() {
    let (provider, _hub, mut browser) = signed_in(json!({"lifetime": 1}), &[]).await;
    let before = provider.calls("/token").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    provider.set(json!({"lifetime": 300, "tokenDelay": 500})).await;
    let mut impatient = browser.clone();
    let gone = tokio::time::timeout(Duration::from_millis(250), impatient.who_am_i()).await;
    assert!(gone.is_err(), "the provider is slow");
    assert!(browser.who_am_i().await.is_ok());
    assert_eq!(provider.calls("/token").await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_renewal_ends_the_session() {
    let (provider, hub, mut browser) = signed_in(json!({"lifetime": 1}), &[]).await;
    provider.set(json!({"people": {}})).await;
    wait::until("the session ends", SOON, async || {
        browser.who_am_i().await == Err(http::StatusCode::UNAUTHORIZED)
    })
    .await;
    assert!(texts(&hub.database, "SELECT subject FROM sessions").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_an_outage_of_the_provider() {
    let (provider, _hub, mut browser) = signed_in(json!({"lifetime": 1}), &[]).await;
    provider.set(json!({"down": true})).await;
    wait::until("the provider is missed", SOON, async || {
        assert!(browser.who_am_i().await.is_ok(), "the session goes on");
        browser.fetch("/1.0/sign-in").await.json()["metadata"]["provider"] == "away"
    })
    .await;
    let page = browser.fetch("/oidc/login").await;
    assert_eq!(page.status, 503, "nobody is sent to a provider that is unavailable: {page:?}");
    let before = provider.calls("/token").await;
    provider.set(json!({"down": false})).await;
    wait::until("the session is renewed", SOON, async || {
        assert!(browser.who_am_i().await.is_ok());
        provider.calls("/token").await > before
    })
    .await;
    assert_eq!(browser.fetch("/1.0/sign-in").await.json()["metadata"]["provider"], "reachable");
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_session_ends() {
    let (_provider, _hub, mut browser) = signed_in(json!({}), &[("SESSION_IDLE_SECONDS", "2")]).await;
    let mut idle = browser.clone();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(browser.who_am_i().await.is_ok(), "who uses it keeps it");
    }
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(idle.who_am_i().await.unwrap_err(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_ends_after_its_lifetime_even_in_use() {
    let (_provider, hub, mut browser) = signed_in(json!({}), &[("SESSION_LIFETIME_SECONDS", "2")]).await;
    wait::until("the session ends", SOON, async || browser.who_am_i().await.is_err()).await;
    let limits = store::access::SessionLimits { idle: SOON, lifetime: SOON };
    assert_eq!(hub.store.prune_sessions(limits).await.unwrap(), 1, "its row is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_without_refresh_token_lasts_as_long_as_a_role_at_most() {
    let (provider, hub, mut browser) = signed_in(json!({"refreshTokens": false, "lifetime": 1}), &[]).await;
    let sql = "SELECT (expires_at - created_at)::text FROM sessions";
    assert_eq!(texts(&hub.database, sql).await.unwrap(), ["01:00:00"]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(browser.who_am_i().await.is_ok(), "its tokens expired, but there is nothing to renew them with");
    assert_eq!(provider.calls("/token").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn role_follows_the_provider_within_its_maximum_age() {
    let settings = [("ROLE_MAPPING", "admins=admin,viewers=viewer"), ("SESSION_ROLE_MAX_AGE", "4")];
    let (provider, _hub, mut browser) = signed_in(json!({"lifetime": 86400}), &settings).await;
    let people = json!({"admin": {"name": "Ada", "email": "ada@example.com", "groups": ["viewers"]}});
    provider.set(json!({"people": people})).await;
    let changed = std::time::Instant::now();
    wait::until("the role changes", SOON, async || {
        browser.who_am_i().await.is_ok_and(|me| me["role"] == "viewer")
    })
    .await;
    assert!(changed.elapsed() < Duration::from_secs(6), "{:?}", changed.elapsed());

    // During an outage the role ends with its age, and then the hub responds 503.
    provider.set(json!({"down": true})).await;
    wait::until("the role is too old", SOON, async || {
        browser.who_am_i().await == Err(http::StatusCode::SERVICE_UNAVAILABLE)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_row_opens_only_for_its_own_cookie_and_person() {
    let (_provider, hub, mut admin) = signed_in(json!({}), &[]).await;
    let mut viewer = Browser::new(hub.managements()[0].address);
    viewer.sign_in("viewer", "/ui/").await;
    let (ours, theirs) = (value(&admin), value(&viewer));

    // The half that finds the row of one session, with the half that opens the row of the other.
    let half = ours.len() / 2 / 4 * 4 + 3;
    let mut mixed = admin.clone();
    for at in [42, half] {
        mixed.set_cookie(SESSION, &format!("{}{}", &ours[..at], &theirs[at..]));
        assert_eq!(mixed.who_am_i().await.unwrap_err(), 401, "mixed at {at}");
    }
    for at in [0, 10, 42, 43, 50, 80] {
        let mut bytes = ours.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        mixed.set_cookie(SESSION, &String::from_utf8(bytes).unwrap());
        assert_eq!(mixed.who_am_i().await.unwrap_err(), 401, "changed at {at}");
    }
    for text in ["", "x", &ours[..80], &format!("{ours}AAAA")] {
        mixed.set_cookie(SESSION, text);
        assert_eq!(mixed.who_am_i().await.unwrap_err(), 401, "{text}");
    }
    assert!(admin.who_am_i().await.is_ok());

    // Somebody who can write to the table gives a viewer the administrator's row, in two ways.
    let copy = "UPDATE sessions SET sealed = (SELECT sealed FROM sessions WHERE subject = 'admin')
        WHERE subject = 'viewer'";
    let kept = "CREATE TABLE kept AS SELECT * FROM sessions";
    execute(&hub.database, kept).await.unwrap();
    execute(&hub.database, copy).await.unwrap();
    assert_eq!(viewer.who_am_i().await.unwrap_err(), 401);
    let back = "UPDATE sessions SET sealed = kept.sealed FROM kept WHERE kept.id = sessions.id";
    execute(&hub.database, back).await.unwrap();
    assert!(viewer.who_am_i().await.is_ok());
    execute(&hub.database, "UPDATE sessions SET subject = 'admin'").await.unwrap();
    assert_eq!(viewer.who_am_i().await.unwrap_err(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn database_dump_signs_nobody_in() {
    let (_provider, hub, browser) = signed_in(json!({}), &[]).await;
    let dump = texts(&hub.database, "SELECT row_to_json(s)::text FROM sessions AS s").await.unwrap().concat()
        + &texts(&hub.database, "SELECT encode(sealed, 'escape') FROM sessions").await.unwrap().concat();
    let cookie = value(&browser);
    for secret in [&cookie[..40], &cookie[44..84], "eyJ", "admins", "refresh"] {
        assert!(!dump.contains(secret), "{secret}: {dump}");
    }
}

fn value(browser: &Browser) -> String {
    browser.cookie(SESSION).unwrap().value.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_sign_in_is_logged_at_any_level() {
    let provider = IdentityProvider::start(json!({"lifetime": 1, "clientSecret": "canary-secret"})).await;
    let settings = [
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("OIDC_CLIENT_SECRET", "canary-secret"),
        ("LOG_LEVEL", "trace"),
        ("SERVICE", "management-api"),
    ];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], harness::hub::free_port()));
    let mut command = harness::process::command("cluster-manager", hub.variables());
    command.args(["serve", "--management-listen", &address.to_string()]);
    let mut program = harness::Program::start(command);
    program.prints("ready").await;

    let mut browser = Browser::new(address);
    // At the level `trace`, other lines hold that word too.
    wait::until("the unit is ready", SOON, async || browser.fetch("/1.0/status").await.status == 200).await;
    let page = browser.sign_in("admin", "/ui/").await;
    let callback = page.way.iter().find(|url| url.path() == "/oidc/callback").unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let before = provider.calls("/token").await;
    wait::until("the session is renewed", SOON, async || {
        assert!(browser.who_am_i().await.is_ok());
        provider.calls("/token").await > before
    })
    .await;
    let cookie = value(&browser);
    browser.fetch("/oidc/logout").await;
    let log = program.kill();
    assert!(log.contains("signed in") && log.contains("signed out"), "{log}");
    for secret in [cookie.as_str(), &cookie[..40], &cookie[44..84], &code, "canary-secret", "eyJ"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
}
