//! Responses and requests that must not sign anybody in or redirect anybody. A stand-in provider forges ID tokens, which a
//! real one never sends.

use std::net::SocketAddr;
use std::time::Duration;

use harness::stand_in_provider::{FixedResponse, Forgery, Signed, StandInProvider};
use harness::{Browser, Hub, browser::Page, wait};
use serde_json::{Value, json};
use time::OffsetDateTime;

const SESSION: &str = "__Host-cm-session";

async fn stand_in_and_hub() -> (StandInProvider, Hub, SocketAddr) {
    let provider = StandInProvider::start().await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let address = hub.managements()[0].address;
    (provider, hub, address)
}

/// Signs in: from the hub's link to the provider and back.
async fn sign_in(browser: &mut Browser) -> Page {
    browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_id_token_signs_nobody_in() {
    let (provider, hub, address) = stand_in_and_hub().await;
    let mut browser = Browser::new(address);
    assert_eq!(sign_in(&mut browser).await.url.path(), "/ui/", "the stand-in works when it does not forge");
    assert!(browser.who_am_i().await.is_ok());

    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = |claims: Value| Forgery { claims, ..Forgery::default() };
    let header = |header: Value| Forgery { header, ..Forgery::default() };
    for (name, forgery) in [
        ("another issuer", claims(json!({"iss": "https://evil.example"}))),
        ("almost the issuer", claims(json!({"iss": format!("{}/", provider.issuer)}))),
        ("another audience", claims(json!({"aud": "another-client"}))),
        ("no audience", claims(json!({"aud": null}))),
        ("several audiences without a party", claims(json!({"aud": ["cluster-manager", "other"]}))),
        ("another party", claims(json!({"aud": ["cluster-manager", "other"], "azp": "other"}))),
        ("another party, one audience", claims(json!({"azp": "other"}))),
        ("another nonce", claims(json!({"nonce": "another"}))),
        ("no nonce", claims(json!({"nonce": null}))),
        ("expired", claims(json!({"iat": now - 600, "exp": now - 61}))),
        ("no expiry", claims(json!({"exp": null}))),
        ("not valid yet", claims(json!({"nbf": now + 120}))),
        ("issued in the future", claims(json!({"iat": now + 120, "exp": now + 600}))),
        ("another access token's", claims(json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}))),
        ("no subject", claims(json!({"sub": null}))),
        ("a subject that cannot be stored", claims(json!({"sub": "a\u{0}b"}))),
        ("an access token", header(json!({"typ": "at+jwt"}))),
        ("an unknown key", header(json!({"kid": "two"}))),
        ("another algorithm of the key", header(json!({"alg": "ES384"}))),
        ("a critical extension", header(json!({"crit": ["b64"], "b64": false}))),
        ("signed by another", Forgery { signed: Signed::WithOtherKey, ..Forgery::default() }),
        ("signature cut off", Forgery { signed: Signed::No, ..Forgery::default() }),
        ("alg none", Forgery { header: json!({"alg": "none"}), signed: Signed::No, ..Forgery::default() }),
        (
            "alg none without a key",
            Forgery { header: json!({"alg": "none", "kid": null}), signed: Signed::No, ..Forgery::default() },
        ),
        (
            "HS256 with the public key",
            Forgery {
                header: json!({"alg": "HS256"}),
                signed: Signed::WithPublicKeyAsSecret,
                ..Forgery::default()
            },
        ),
    ] {
        provider.forge(forgery);
        let mut browser = Browser::new(address);
        let page = sign_in(&mut browser).await;
        assert_eq!(page.url.path(), "/oidc/callback", "{name}: {page:?}");
        assert_eq!(page.status, 403, "{name}: {page:?}");
        assert!(browser.cookie_names().is_empty(), "{name}: {page:?}");
        assert!(!page.body.contains("eyJ"), "{name}: {page:?}");
        provider.forge(Forgery::default());
    }
    let sessions = store::testing::texts(&hub.database, "SELECT subject FROM sessions").await.unwrap();
    assert_eq!(sessions, ["somebody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_valid_id_token_is_accepted() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for claims in [
        json!({"aud": ["cluster-manager"]}),
        json!({"aud": ["cluster-manager", "project"], "azp": "cluster-manager"}),
        json!({"exp": now - 30}),
        json!({"iat": now + 30, "nbf": now + 30}),
        json!({"email_verified": "true", "email": "a@b.c", "mcm-idp-groups": "admins"}),
    ] {
        provider.forge(Forgery { claims: claims.clone(), ..Forgery::default() });
        let mut browser = Browser::new(address);
        sign_in(&mut browser).await;
        assert_eq!(browser.who_am_i().await.map(|me| me["role"].clone()), Ok(json!("admin")), "{claims}");
    }
    provider.forge(Forgery { header: json!({"kid": null, "typ": null}), ..Forgery::default() });
    let mut browser = Browser::new(address);
    sign_in(&mut browser).await;
    assert!(browser.who_am_i().await.is_ok(), "a token that names no key");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_signatures_and_unknown_keys_cause_no_calls_to_the_provider() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    sign_in(&mut Browser::new(address)).await;
    assert_eq!(provider.calls("/keys"), 1);
    provider.forge(Forgery { signed: Signed::WithOtherKey, ..Forgery::default() });
    for _ in 0..3 {
        sign_in(&mut Browser::new(address)).await;
    }
    assert_eq!(provider.calls("/keys"), 1, "a key that is known is not fetched for a bad signature");
    for kid in ["a", "b", "c", "d"] {
        provider.forge(Forgery { header: json!({"kid": kid}), ..Forgery::default() });
        sign_in(&mut Browser::new(address)).await;
    }
    assert_eq!(provider.calls("/keys"), 2, "unknown keys are looked for once in a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_with_another_issuer_is_refused() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    provider.replace_metadata(json!({"issuer": format!("{}/", provider.issuer)}));
    let mut browser = Browser::new(address);
    let page = browser.fetch("/oidc/login").await;
    assert_eq!(page.status, 503, "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unencrypted_authorization_endpoint_is_refused() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = Browser::new(address);
    provider.replace_metadata(json!({"authorization_endpoint": "http://idp.example/authorize"}));
    assert_eq!(browser.fetch("/oidc/login").await.status, 503);
    provider.replace_metadata(json!({"end_session_endpoint": "https://idp.example/end"}));
    wait::until("the provider is asked again", Duration::from_secs(10), async || {
        browser.fetch("/oidc/login").await.status == 302
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_one_sign_in_do_not_block_others() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    for (status, content_type, body, told) in [
        (403, "text/html", "<html>blocked", 502),
        (503, "text/html", "<html>blocked", 502),
        (429, "application/json", "{}", 502),
        (200, "text/html", "<html>hello", 502),
        (400, "application/json", "", 502),
        (500, "application/json", r#"{"error": "server_error"}"#, 502),
        (400, "application/json", r#"{"error": "temporarily_unavailable"}"#, 502),
        (401, "application/json", r#"{"error": "invalid_client"}"#, 502),
        (400, "application/json", r#"{"error": "invalid_request"}"#, 403),
    ] {
        let mut stranger = Browser::new(address);
        let there = stranger.fetch("/oidc/login").await.location().unwrap();
        let state = there.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        provider.always_responds(Some(FixedResponse { status, content_type, body: body.to_owned() }));
        let page = stranger.once(&format!("/oidc/callback?code=%27--%3Cscript&state={state}")).await;
        assert_eq!(page.status, told, "{status} {body}: {page:?}");
        assert!(page.body.contains("Try again") && !page.body.contains("blocked"), "{page:?}");
        provider.always_responds(None);
        let mut next = Browser::new(address);
        assert_eq!(next.fetch("/1.0/sign-in").await.json()["metadata"]["provider"], "reachable", "{body}");
        assert_eq!(sign_in(&mut next).await.url.path(), "/ui/", "{status} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_code_is_not_sent_to_the_provider() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    for code in ["", "a%20b", "%00", "%0d%0a", "%c3%a4", "%ff", &"x".repeat(4097)] {
        let mut browser = Browser::new(address);
        let there = browser.fetch("/oidc/login").await.location().unwrap();
        let state = there.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let page = browser.once(&format!("/oidc/callback?code={code}&state={state}")).await;
        assert_eq!(page.status, 400, "{code}: {page:?}");
    }
    assert_eq!(provider.calls("/token"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unsolicited_response_signs_nobody_in() {
    let (provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = Browser::new(address);
    let there = browser.fetch("/oidc/login").await.location().unwrap();
    let back = browser.open(there, None).await;
    let answer = back.way[1].clone();
    assert!(browser.who_am_i().await.is_ok());

    // The same again, in this browser and in another: the code is used up, and there is no sign-in to finish.
    for browser in [&mut browser.clone(), &mut Browser::new(address)] {
        let page = browser.open(answer.clone(), Some(&answer)).await;
        assert_eq!((page.url.path(), page.status.as_u16()), ("/oidc/callback", 400), "{page:?}");
    }

    // The cookie of the sign-in is replayed with the code.
    let mut victim = Browser::new(address);
    let there = victim.fetch("/oidc/login").await.location().unwrap();
    let mut replaying = victim.clone();
    let answer = victim.open(there, None).await.way[1].clone();
    let page = replaying.open(answer.clone(), Some(&answer)).await;
    assert_eq!((page.status.as_u16(), replaying.cookie(SESSION)), (403, None), "{page:?}");

    // An unknown state, no state, and the code of one sign-in in another.
    let mut other = Browser::new(address);
    let there = other.fetch("/oidc/login").await.location().unwrap();
    let state = there.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    for query in
        ["", "?code=x", "?code=x&state=", "?code=x&state=other", "?state=%00&code=%ff", "?error=x&state=y"]
    {
        let page = other.once(&format!("/oidc/callback{query}")).await;
        assert_eq!(page.status, 400, "{query}: {page:?}");
    }
    let page = other.clone().once(&format!("/oidc/callback?code=made-up&state={state}")).await;
    assert_eq!((page.status.as_u16(), page.headers.get("location")), (403, None));
    let page =
        other.clone().once(&format!("/oidc/callback?code=x&state={state}&iss=https://evil.example")).await;
    assert_eq!(page.status, 400, "another provider's response");
    let page = other.clone().once(&format!("/oidc/callback?error=%3Cscript%3E&state={state}")).await;
    assert!(page.status == 403 && page.body.contains("&lt;script&gt;"), "{page:?}");
    assert!(provider.calls("/token") >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_sign_in_cookie_is_ignored() {
    let (_provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = Browser::new(address);
    let there = browser.fetch("/oidc/login").await.location().unwrap();
    let name = browser.cookie_names()[0].to_owned();
    let value = browser.cookie(&name).unwrap().value.clone();
    assert!(browser.cookie(&name).unwrap().header.contains("SameSite=Lax"));
    for changed in
        [format!("B{}", &value[1..]), value[..value.len() - 4].to_owned(), String::new(), "x".to_owned()]
    {
        let mut browser = browser.clone();
        browser.set_cookie(&name, &changed);
        let page = browser.open(there.clone(), None).await;
        assert_eq!((page.status.as_u16(), browser.cookie(SESSION)), (400, None), "{changed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_never_redirects_to_another_website() {
    let (_provider, _hub, address) = stand_in_and_hub().await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "/%2f/evil.example",
        "https://evil.example/ui/",
        "/ui//evil.example",
        "/ui/%2f%2fevil.example",
        "/ui/..//evil.example",
        "/1.0",
        "/oidc/logout",
        "/ui/\r\nLocation: https://evil.example",
    ] {
        let mut browser = Browser::new(address);
        let mut login = browser.hub("/oidc/login");
        login.query_pairs_mut().append_pair("next", next);
        let page = browser.open(login, Some(&browser.hub("/ui/"))).await;
        assert_eq!(page.url, browser.hub("/ui/"), "{next}");
        assert!(browser.cookie(SESSION).is_some(), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_uses_the_certificates_name_and_not_the_requests() {
    let (provider, mut hub, address) = stand_in_and_hub().await;
    for (headers, status) in [
        (&[("host", "localhost:1234")][..], 302),
        (&[("host", "evil.example")], 400),
        (&[("host", "localhost.evil.example")], 400),
        (&[("host", "localhost:1234@evil.example")], 400),
        (
            &[
                ("host", "localhost"),
                ("x-forwarded-host", "evil.example"),
                ("forwarded", "host=evil.example"),
            ],
            302,
        ),
        (&[("host", "evil.example"), ("x-forwarded-host", "localhost")], 400),
    ] {
        for http2 in [false, true] {
            let (got, location) = login_with(address, headers, http2).await;
            // Over HTTP/2, a host that is not the hub's does not reach the sign-in.
            let status = if http2 && status == 400 { 421 } else { status };
            assert_eq!(got, status, "{headers:?} http2: {http2}");
            assert!(!location.contains("evil"), "{location}");
        }
    }

    // A configured address is used as it is.
    let settings =
        [("OIDC_ISSUER", provider.issuer.as_str()), ("MANAGEMENT_API_DOMAIN", "hub.example.com:8443")];
    hub = Hub::without_units(hub.database.clone(), &settings);
    let address = hub.add_management().await;
    let (status, location) = login_with(address, &[("host", "evil.example")], false).await;
    assert_eq!(status, 302);
    assert!(
        location.contains("redirect_uri=https%3A%2F%2Fhub.example.com%3A8443%2Foidc%2Fcallback&"),
        "{location}"
    );
}

/// The sign-in link under any host name, over HTTP/1.1 or HTTP/2.
async fn login_with(unit: SocketAddr, headers: &[(&str, &str)], http2: bool) -> (u16, String) {
    let host = headers.iter().find(|(name, _)| *name == "host").unwrap().1;
    let answer = harness::raw_https::get(unit, host, "/oidc/login", headers, http2).await;
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_websites_can_neither_sign_in_nor_sign_out_a_person() {
    let (_provider, _hub, address) = stand_in_and_hub().await;
    let mut browser = Browser::new(address);
    sign_in(&mut browser).await;
    let evil = reqwest::Url::parse("https://evil.example/").unwrap();
    for path in ["/oidc/logout", "/oidc/login", "/1.0"] {
        let page = browser.open(browser.hub(path), Some(&evil)).await;
        assert_eq!(page.status, 403, "{path}");
    }
    assert!(browser.who_am_i().await.is_ok());
}
