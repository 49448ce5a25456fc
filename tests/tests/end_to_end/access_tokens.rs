//! Access tokens of the identity provider, as programs present them.

use harness::stand_in_provider::{Forgery, Signed, StandInProvider};
use harness::{Browser, Hub, IdentityProvider};
use serde_json::{Value, json};
use time::OffsetDateTime;

const AUDIENCE: &str = "https://hub.example.com/api";
const SETTINGS: [(&str, &str); 2] =
    [("OIDC_AUDIENCE", AUDIENCE), ("ROLE_MAPPING", "admins=admin,viewers=viewer")];

/// Who the hub says is signed in with this token.
async fn presented(browser: &mut Browser, authorization: &str) -> (u16, Value) {
    let page = browser.fetch_with("/1.0", &[("authorization", authorization)]).await;
    (page.status.as_u16(), page.json()["metadata"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn program_with_an_access_token_of_the_provider_is_known() {
    let provider = IdentityProvider::start(json!({})).await;
    let hub = Hub::start_management(&provider.issuer, &SETTINGS).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    for (groups, role) in
        [(&["admins"][..], json!("admin")), (&["viewers"], json!("viewer")), (&[], Value::Null)]
    {
        let token = provider.access_token(AUDIENCE, groups).await;
        let (status, me) = presented(&mut browser, &format!("Bearer {token}")).await;
        assert_eq!((status, &me["role"], &me["name"]), (200, &role, &json!("robot")), "{me}");
        assert_eq!(presented(&mut browser, &format!("bearer  {token}")).await.0, 200);
        assert_eq!(presented(&mut browser, &token).await.0, 401);
    }
    let elsewhere = provider.access_token("https://other.example.com", &["admins"]).await;
    assert_eq!(presented(&mut browser, &format!("Bearer {elsewhere}")).await.0, 401);

    // Another key, which the hub has not seen, and then the old one, which the provider no longer publishes.
    let old = provider.access_token(AUDIENCE, &["admins"]).await;
    provider.rotate_keys().await;
    let new = provider.access_token(AUDIENCE, &["admins"]).await;
    assert_eq!(presented(&mut browser, &format!("Bearer {new}")).await.0, 200);
    assert_eq!(presented(&mut browser, &format!("Bearer {old}")).await.0, 401);

    // Known keys are enough while the provider is down.
    provider.set(json!({"down": true})).await;
    assert_eq!(presented(&mut browser, &format!("Bearer {new}")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_audience_access_tokens_are_refused() {
    let provider = IdentityProvider::start(json!({})).await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    let token = provider.access_token(AUDIENCE, &["admins"]).await;
    assert_eq!(presented(&mut browser, &format!("Bearer {token}")).await.0, 401);
    assert_eq!(provider.calls("/jwks").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn id_token_and_forged_token_are_refused() {
    let provider = StandInProvider::start().await;
    let hub = Hub::start_management(&provider.issuer, &SETTINGS).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert!(browser.who_am_i().await.is_ok());

    let now = OffsetDateTime::now_utc().unix_timestamp();
    let of = |claims: Value| Forgery { claims, ..Forgery::default() };
    let good = of(json!({"aud": AUDIENCE}));
    assert_eq!(presented(&mut browser, &format!("Bearer {}", provider.access_token(&good))).await.0, 200);
    let header = |header: Value| Forgery { header, ..good.clone() };
    let mut tokens = vec![("an ID token", provider.last_id_token())];
    for (name, forgery) in [
        ("for us as a client", of(json!({"aud": "cluster-manager", "nonce": null}))),
        ("for nobody", of(json!({}))),
        ("for somebody else", of(json!({"aud": "https://hub.example.com/api/"}))),
        ("with a nonce", of(json!({"aud": AUDIENCE, "nonce": "x"}))),
        ("from elsewhere", of(json!({"aud": AUDIENCE, "iss": "https://evil.example"}))),
        ("expired", of(json!({"aud": AUDIENCE, "exp": now - 61}))),
        ("without an end", of(json!({"aud": AUDIENCE, "exp": null}))),
        ("not valid yet", of(json!({"aud": AUDIENCE, "nbf": now + 120}))),
        ("without a subject", of(json!({"aud": AUDIENCE, "sub": null}))),
        (
            "an ID token of a client by the audience's name",
            Forgery {
                header: json!({"typ": "JWT"}),
                claims: json!({"aud": AUDIENCE, "azp": AUDIENCE}),
                ..Forgery::default()
            },
        ),
        ("of another kind", header(json!({"typ": "dpop+jwt"}))),
        ("unsigned", Forgery { signed: Signed::No, ..header(json!({"alg": "none"})) }),
        (
            "signed with the public key",
            Forgery { signed: Signed::WithPublicKeyAsSecret, ..header(json!({"alg": "HS256"})) },
        ),
        ("signed by another", Forgery { signed: Signed::WithOtherKey, ..good.clone() }),
    ] {
        tokens.push((name, provider.access_token(&forgery)));
    }
    let text = |text: &str| text.to_owned();
    tokens.extend([
        ("nothing", String::new()),
        ("noise", text("a.b.c")),
        ("a service account's", text("cmsa_x")),
        ("too long", "a".repeat(20_000)),
    ]);
    for (name, token) in tokens {
        // The browser's session does not help: a token in the request takes precedence.
        let (status, _) = presented(&mut browser, &format!("Bearer {token}")).await;
        assert_eq!(status, 401, "{name}");
    }
    assert!(browser.who_am_i().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_tokens_do_not_hide_a_new_key() {
    let provider = StandInProvider::start().await;
    let hub = Hub::start_management(&provider.issuer, &SETTINGS).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    let made_up = |kid: &str| {
        let header = json!({ "kid": kid });
        provider.access_token(&Forgery {
            header,
            claims: json!({"aud": AUDIENCE}),
            signed: Signed::WithOtherKey,
        })
    };
    for kid in ["a", "b", "c"] {
        assert_eq!(presented(&mut browser, &format!("Bearer {}", made_up(kid))).await.0, 401);
    }
    assert_eq!(provider.calls("/keys"), 2, "made-up keys are looked for once in a while");
    provider.rotate_key();
    browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert!(browser.who_am_i().await.is_ok());
    assert_eq!(provider.calls("/keys"), 3);
}
