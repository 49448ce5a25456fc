//! Sign-in at a real identity provider, as people use it.

mod device;
mod ending;
mod keycloak;
mod refusals;
mod renewals;
mod sessions;
mod variations;

use std::time::Duration;

use harness::{Balancer, Browser, Hub, IdentityProvider, wait};
use serde_json::{Value, json};

const SESSION: &str = "__Host-cm-session";
const ROLES: &str = "admins=admin,operators=operator,viewers=viewer";

async fn provider_and_hub(options: Value, settings: &[(&str, &str)]) -> (IdentityProvider, Hub) {
    let provider = IdentityProvider::start(options).await;
    let hub = Hub::start_management(&provider.issuer, settings).await;
    (provider, hub)
}

fn browser(hub: &Hub) -> Browser {
    Browser::new(hub.managements()[0].address)
}

#[tokio::test(flavor = "multi_thread")]
async fn person_signs_in_and_is_known() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let mut browser = browser(&hub);
    assert_eq!(browser.who_am_i().await.unwrap_err(), 401);

    let page = browser.sign_in("admin", "/ui/clusters?search=a").await;
    assert_eq!(page.url, browser.hub("/ui/clusters?search=a"), "a deep link survives");
    let me = browser.who_am_i().await.unwrap();
    assert_eq!(
        me,
        json!({"email": "admin@example.com", "name": "Ada Admin", "groups": ["admins", "staff"], "trusted": true,
            "role": "admin", "kind": "person"})
    );
    assert_eq!(browser.cookie_names(), [SESSION], "nothing of the sign-in stays behind");
    assert!(browser.cookie(SESSION).unwrap().header.contains("SameSite=Strict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_map_to_roles_as_configured() {
    let (_provider, hub) = provider_and_hub(json!({}), &[("ROLE_MAPPING", ROLES)]).await;
    for (person, role) in [
        ("admin", json!("admin")),
        ("operator", json!("operator")),
        ("viewer", json!("viewer")),
        ("nobody", Value::Null),
    ] {
        let mut browser = browser(&hub);
        browser.sign_in(person, "/ui/").await;
        assert_eq!(browser.who_am_i().await.unwrap()["role"], role, "{person}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quirks_of_providers_are_accepted() {
    for (options, settings) in [
        (
            json!({"groupsAsText": true, "people": {"admin": {"name": "A", "email": "a@b.c", "groups": ["admins"]}}}),
            &[][..],
        ),
        (json!({"groupsClaim": "groups"}), &[("OIDC_GROUPS_CLAIM", "groups")]),
        (json!({"clientSecret": "a secret+/%&"}), &[("OIDC_CLIENT_SECRET", "a secret+/%&")]),
        (
            json!({"clientSecret": "a secret+/%&", "secretIn": "client_secret_post"}),
            &[("OIDC_CLIENT_SECRET", "a secret+/%&")],
        ),
        (json!({"algorithm": "PS256"}), &[]),
        (json!({"algorithm": "ES256"}), &[]),
        (json!({"algorithm": "ES384"}), &[]),
        (json!({"algorithm": "EdDSA"}), &[]),
        (json!({"refreshTokens": false}), &[]),
        (json!({"endSession": false}), &[]),
    ] {
        let (_provider, hub) = provider_and_hub(options.clone(), settings).await;
        let mut browser = browser(&hub);
        let page = browser.sign_in("admin", "/ui/").await;
        let role = browser.who_am_i().await.map(|me| me["role"].clone());
        assert_eq!(role, Ok(json!("admin")), "{options}: {page:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_browser_has_its_own_session() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let (mut first, mut second, mut other) = (browser(&hub), browser(&hub), browser(&hub));
    first.sign_in("admin", "/ui/").await;
    second.sign_in("admin", "/ui/").await;
    other.sign_in("viewer", "/ui/").await;
    assert_ne!(first.cookie(SESSION), second.cookie(SESSION));

    first.fetch("/oidc/logout").await;
    assert_eq!(first.who_am_i().await.unwrap_err(), 401);
    assert_eq!(second.who_am_i().await.unwrap()["name"], "Ada Admin");
    assert_eq!(other.who_am_i().await.unwrap()["name"], "Vera Viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_previous_session_of_the_browser() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let mut browser = browser(&hub);
    browser.sign_in("admin", "/ui/").await;
    let former = browser.clone();
    browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert_eq!(browser.who_am_i().await.unwrap()["name"], "Ada Admin", "the provider still knows the person");
    assert_ne!(former.cookie(SESSION), browser.cookie(SESSION));
    let sessions = store::testing::texts(&hub.database, "SELECT subject FROM sessions").await.unwrap();
    assert_eq!(sessions, ["admin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_both_sessions() {
    let (provider, hub) = provider_and_hub(json!({}), &[]).await;
    let mut browser = browser(&hub);
    browser.sign_in("admin", "/ui/").await;
    let stolen = browser.clone();

    let page = browser.open(browser.hub("/oidc/logout"), Some(&browser.hub("/ui/"))).await;
    assert_eq!(page.url.path(), "/session/end", "{page:?}");
    assert!(page.url.as_str().starts_with(&provider.issuer), "{page:?}");
    let query: Vec<_> = page.url.query_pairs().collect();
    let back = browser.hub("/ui/login/").to_string();
    assert!(
        query.iter().any(|(name, value)| name == "post_logout_redirect_uri" && *value == back),
        "{page:?}"
    );
    assert!(query.iter().any(|(name, _)| name == "id_token_hint"));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(browser.cookie_names().is_empty());
    assert_eq!(stolen.clone().who_am_i().await.unwrap_err(), 401, "the session ended, not the cookie alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leads_to_the_sign_in_page_without_a_logout_endpoint() {
    let (_provider, hub) = provider_and_hub(json!({"endSession": false}), &[]).await;
    let mut browser = browser(&hub);
    browser.sign_in("admin", "/ui/").await;
    let page = browser.fetch("/oidc/logout").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (302, "/ui/login/"));
    let again = browser.fetch("/oidc/logout").await;
    assert_eq!((again.status.as_u16(), again.header("location")), (302, "/ui/login/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn person_who_cancels_at_the_provider_sees_why() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let mut browser = browser(&hub);
    let page = browser.sign_in("cancel", "/ui/clusters").await;
    assert_eq!((page.url.path(), page.status.as_u16()), ("/oidc/callback", 403));
    assert!(
        page.body.contains("access_denied") && page.body.contains("/oidc/login?next=%2Fui%2Fclusters"),
        "{page:?}"
    );
    assert!(browser.cookie_names().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_their_outcomes_are_in_the_audit_trail() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let (mut first, mut second) = (browser(&hub), browser(&hub));
    first.sign_in("admin", "/ui/").await;
    first.fetch("/oidc/logout").await;
    second.sign_in("cancel", "/ui/").await;
    let sql =
        "SELECT concat_ws(' ', action, actor_kind, actor_id, actor_name, host(address), after->>'reason')
        FROM events ORDER BY id";
    let expected = [
        "sign-in.succeeded person admin Ada Admin 127.0.0.1",
        "sign-out.done person admin Ada Admin 127.0.0.1",
        "sign-in.refused unknown   127.0.0.1 refused by the identity provider",
    ];
    let mut written = Vec::new();
    wait::until("the refusal is written", Duration::from_secs(10), async || {
        written = store::testing::texts(&hub.database, sql).await.unwrap();
        written.len() == expected.len()
    })
    .await;
    assert_eq!(written, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_in_two_tabs_do_not_disturb_each_other() {
    let (_provider, hub) = provider_and_hub(json!({}), &[]).await;
    let mut browser = browser(&hub);
    let one = browser.ask_to_sign_in("/ui/one").await;
    let two = browser.ask_to_sign_in("/ui/two").await;
    assert_eq!(browser.choose(&one, "admin").await.url, browser.hub("/ui/one"));
    assert_eq!(browser.choose(&two, "admin").await.url, browser.hub("/ui/two"));
    assert!(browser.who_am_i().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_unit_finishes_a_sign_in() {
    let (_provider, mut hub) = provider_and_hub(json!({"lifetime": 2}), &[]).await;
    hub.add_management().await;
    let units: Vec<_> = hub.managements().iter().map(|unit| unit.address).collect();
    let balancer = Balancer::start(units).await;
    let mut browser = Browser::new(balancer.address);
    let page = browser.sign_in("admin", "/ui/clusters").await;
    assert_eq!(page.url, browser.hub("/ui/clusters"));
    let served = balancer.served();
    assert_ne!(served[0], served[1], "login and callback were not at the same unit");
    for _ in 0..4 {
        assert_eq!(browser.who_am_i().await.unwrap()["name"], "Ada Admin");
    }
    browser.fetch("/oidc/logout").await;
    assert_eq!(browser.who_am_i().await.unwrap_err(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_starts_without_its_provider_and_says_so() {
    let port = harness::hub::free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let hub = Hub::start_management(&issuer, &[]).await;
    let mut browser = browser(&hub);
    let about = browser.fetch("/1.0/sign-in").await.json()["metadata"].clone();
    assert_eq!(about["provider"], "unknown");

    let page = browser.fetch("/oidc/login").await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(page.body.contains("The identity provider does not respond"), "{page:?}");
    browser.accept = "application/json".to_owned();
    let envelope = browser.fetch("/oidc/login").await;
    assert_eq!((envelope.status.as_u16(), envelope.json()["error_code"].as_u64()), (503, Some(503)));
    assert_eq!(browser.fetch("/1.0/sign-in").await.json()["metadata"]["provider"], "away");

    let _provider = IdentityProvider::start_at(port, json!({})).await;
    wait::until("sign-in works again", Duration::from_secs(10), async || {
        browser.fetch("/oidc/login").await.status == 302
    })
    .await;
    browser.sign_in("admin", "/ui/").await;
    assert!(browser.who_am_i().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_key_is_fetched_at_once() {
    let (provider, hub) = provider_and_hub(json!({}), &[]).await;
    browser(&hub).sign_in("admin", "/ui/").await;
    assert_eq!(provider.calls("/jwks").await, 1);
    provider.rotate_keys().await;
    let mut second = browser(&hub);
    second.sign_in("admin", "/ui/").await;
    assert!(second.who_am_i().await.is_ok());
    assert_eq!(provider.calls("/jwks").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_can_read_how_to_sign_in() {
    let settings = [("OIDC_AUDIENCE", "https://hub.example.com/api")];
    let (provider, hub) = provider_and_hub(json!({}), &settings).await;
    let mut browser = browser(&hub);
    assert_eq!(
        browser.fetch("/1.0/sign-in").await.json()["metadata"],
        json!({"issuer": provider.issuer, "client_id": "cluster-manager",
            "audience": "https://hub.example.com/api",
            "scopes": ["openid", "offline_access", "email", "profile"], "provider": "unknown"})
    );
    let there = browser.fetch("/oidc/login").await.location().unwrap();
    let asked: std::collections::BTreeMap<_, _> = there.query_pairs().into_owned().collect();
    assert_eq!(asked["audience"], "https://hub.example.com/api");
    assert_eq!(asked["scope"], "openid offline_access email profile");
    assert_eq!((asked["code_challenge_method"].as_str(), asked["response_type"].as_str()), ("S256", "code"));
    assert_eq!(asked["redirect_uri"], browser.hub("/oidc/callback").to_string());
    assert!(asked["state"].len() >= 22 && asked["nonce"].len() >= 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_with_its_own_ca_is_trusted_when_configured() {
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = leaf.signed_by(&key, &issuer).unwrap().pem();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ca_pem).unwrap();

    let tls = json!({"tls": {"key": key.serialize_pem(), "cert": cert}});
    let provider = IdentityProvider::start(tls).await;
    assert!(provider.issuer.starts_with("https://localhost:"));
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    assert_eq!(browser(&hub).fetch("/oidc/login").await.status, 503);
    let hub = Hub::start_management(&provider.issuer, &[("EXTRA_CA_FILE", file.to_str().unwrap())]).await;
    let mut browser = browser(&hub);
    browser.sign_in("admin", "/ui/").await;
    assert!(browser.who_am_i().await.is_ok());
}
