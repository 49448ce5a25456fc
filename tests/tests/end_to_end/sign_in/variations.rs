//! What providers send differently, or wrongly: none of it keeps a person out, unless the hub needs it. Then the log names
//! what is wrong and where.

use std::net::SocketAddr;
use std::time::Duration;

use harness::stand_in_provider::{Forgery, StandInProvider};
use harness::{Browser, Hub, Program, wait};
use serde_json::{Value, json};

/// Signs in. Returns who it is, or the status of the page that says why not.
async fn sign_in(address: SocketAddr) -> Result<Value, u16> {
    let mut browser = Browser::new(address);
    let page = browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    match page.url.path() {
        "/ui/" => Ok(browser.who_am_i().await.unwrap()),
        _ => Err(page.status.as_u16()),
    }
}

fn claims(claims: Value) -> Forgery {
    Forgery { claims, ..Forgery::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_nobody_needs_may_be_anything() {
    let provider = StandInProvider::start().await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let address = hub.managements()[0].address;
    let nothing = json!({"verbatim": null});
    for odd in [
        json!({"updated_at": "2030-01-02T03:04:05.678Z"}),
        json!({"updated_at": 1_893_456_000.5}),
        json!({"updated_at": null, "auth_time": "yesterday"}),
        json!({"auth_time": {"at": 1}}),
        json!({"iat": null}),
        json!({"iat": "2030-01-02T03:04:05Z"}),
        json!({"iat": "1700000000", "nbf": "1700000000.5"}),
        json!({"exp": "4102444800"}),
        json!({"exp": 4_102_444_800.5}),
        json!({"exp": 1e300}),
        json!({"nbf": null, "auth_time": -1}),
        json!({"email_verified": "yes"}),
        json!({"email_verified": 1}),
        json!({"phone_number_verified": null, "phone_number": 491_234}),
        json!({"address": "one line"}),
        json!({"address": ["one", "two"]}),
        json!({"birthdate": 19_700_101, "gender": ["x"], "zoneinfo": {}}),
        json!({"locale": {"lang": "de"}, "locale#x": 1}),
        json!({"picture": "not a url", "website": 7, "profile": false}),
        json!({"name": {"given": "Ada"}}),
        json!({"name": 7, "given_name": [], "family_name": true}),
        json!({"name": nothing, "email": nothing}),
        json!({"name": "", "email": "", "preferred_username": ""}),
        json!({"name": "é".repeat(300)}),
        json!({"name": "x".repeat(20_000)}),
        json!({"email": ["a@b.c", "d@e.f"]}),
        json!({"preferred_username": ["a"]}),
        json!({"amr": "pwd", "acr": 1}),
        json!({"azp": null, "at_hash": nothing}),
        json!({"aud": ["cluster-manager"], "azp": "cluster-manager"}),
        json!({"c_hash": 1, "s_hash": [], "sid": {}}),
        json!({"sub_jwk": "x", "_claim_names": "none", "_claim_sources": []}),
        json!({"sub": "x".repeat(255)}),
        json!({"": 1, "a b": {"deep": [[[[]]]]}}),
        json!({"mcm-idp-groups": "admins"}),
        json!({"mcm-idp-groups": ["admins", 1, null, {"name": "x"}]}),
    ] {
        provider.forge(claims(odd.clone()));
        let role = sign_in(address).await.map(|me| me["role"].clone());
        assert_eq!(role, Ok(json!("admin")), "{odd:.200}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_response_needs_only_tokens() {
    let provider = StandInProvider::start().await;
    provider.issue_refresh_tokens(300);
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let address = hub.managements()[0].address;
    let nothing = json!({"verbatim": null});
    for odd in [
        json!({"expires_in": "3599"}),
        json!({"expires_in": 3599.0}),
        json!({"expires_in": "3599.5"}),
        json!({"expires_in": -1}),
        json!({"expires_in": 0}),
        json!({"expires_in": 1e300}),
        json!({"expires_in": u64::MAX}),
        json!({"expires_in": nothing}),
        json!({"expires_in": null}),
        json!({"expires_in": {"seconds": 1}}),
        json!({"scope": ["openid", "email"]}),
        json!({"scope": nothing}),
        json!({"scope": 1}),
        json!({"token_type": null}),
        json!({"token_type": "unheard-of"}),
        json!({"token_type": ["Bearer"]}),
        json!({"refresh_token": ""}),
        json!({"refresh_token": nothing}),
        json!({"refresh_token": 1}),
        json!({"access_token": null}),
        json!({"access_token": ""}),
        json!({"access_token": {"value": "x"}}),
        json!({"ext_expires_in": "never", "not-before-policy": [], "session_state": 1, "error": ""}),
    ] {
        provider.replace_tokens(odd.clone());
        let role = sign_in(address).await.map(|me| me["role"].clone());
        assert_eq!(role, Ok(json!("admin")), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_document_needs_only_what_is_used() {
    let provider = StandInProvider::start().await;
    let mut hub = Hub::start_management(&provider.issuer, &[]).await;
    let nothing = json!({"verbatim": null});
    for odd in [
        json!({"response_types_supported": null}),
        json!({"subject_types_supported": null}),
        json!({"id_token_signing_alg_values_supported": null}),
        json!({"id_token_signing_alg_values_supported": ["PQ1", 7, null]}),
        json!({"end_session_endpoint": ""}),
        json!({"end_session_endpoint": nothing}),
        json!({"end_session_endpoint": "http://idp.example/end"}),
        json!({"end_session_endpoint": "end", "userinfo_endpoint": ""}),
        json!({"token_endpoint_auth_methods_supported": nothing}),
        json!({"token_endpoint_auth_methods_supported": "client_secret_basic"}),
        json!({"scopes_supported": {}, "claims_supported": "all", "grant_types_supported": 1}),
        json!({"registration_endpoint": 1, "service_documentation": [], "op_tos_uri": "none"}),
        json!({"claims_parameter_supported": "yes", "request_uri_parameter_supported": nothing}),
    ] {
        provider.replace_metadata(odd.clone());
        // A unit reads the document once and keeps it for a while, so each gets a new one.
        let address = hub.add_management().await;
        let role = sign_in(address).await.map(|me| me["role"].clone());
        assert_eq!(role, Ok(json!("admin")), "{odd}");
    }
}

/// A management API as a program of its own, whose log can be read.
async fn program(provider: &StandInProvider) -> (Program, SocketAddr, Hub) {
    let settings = [("OIDC_ISSUER", provider.issuer.as_str()), ("SERVICE", "management-api")];
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
    let address = SocketAddr::from(([127, 0, 0, 1], harness::hub::free_port()));
    let mut command = harness::process::command("cluster-manager", hub.variables());
    command.args(["serve", "--management-listen", &address.to_string()]);
    let mut program = Program::start(command);
    program.prints("ready").await;
    (program, address, hub)
}

/// Waits until the log names this place. What a program prints arrives a little later.
async fn log_names(program: &Program, place: &str) {
    wait::until(place, Duration::from_secs(10), async || {
        program.output().replace("\\\"", "\"").contains(place)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_needed_and_cannot_be_read_is_named_in_the_log() {
    let provider = StandInProvider::start().await;
    let (program, address, _hub) = program(&provider).await;
    for (odd, place) in [
        (json!({"sub": ""}), r#"claims: "sub" is missing"#),
        (json!({"sub": null}), r#"claims: "sub" is missing"#),
        (json!({"sub": 7}), r#"claims: "sub" must be a text, and is another number"#),
        (json!({"sub": " "}), r#"claims: "sub" is blank"#),
        (json!({"sub": "x".repeat(5000)}), r#"claims: "sub" is blank, longer than 1,000 bytes"#),
        (json!({"iss": ["x"]}), r#"claims: "iss" must be a text, and is a list"#),
        (json!({"aud": {"verbatim": null}}), r#"claims: "aud" is missing"#),
        (json!({"aud": 5}), r#"claims: "aud" must be a text or a list of texts"#),
        (json!({"aud": ["cluster-manager", 5]}), r#"claims: "azp" is missing"#),
        (json!({"azp": ["cluster-manager"]}), r#"claims: "azp" is another client"#),
        (json!({"exp": "soon"}), r#"claims: "exp" must be a number, and is another text"#),
        (json!({"exp": {"verbatim": null}}), r#"claims: "exp" is missing"#),
        (json!({"nbf": {"at": 1}}), r#"claims: "nbf" must be a number, and is an object"#),
        (json!({"nonce": 1}), r#"claims: "nonce" must be a text, and is another number"#),
        (json!({"at_hash": ["x"]}), r#"claims: "at_hash" is not that of the access token"#),
    ] {
        provider.forge(claims(odd.clone()));
        assert_eq!(sign_in(address).await, Err(403), "{odd:.200}");
        log_names(&program, place).await;
    }
    provider.forge(Forgery::default());
    for (odd, status, place) in [
        (json!({"id_token": ""}), 403, r#"token response: "id_token" is missing"#),
        (json!({"id_token": null}), 403, r#"token response: "id_token" is missing"#),
        (json!({"id_token": ["x"]}), 403, r#"token response: "id_token" must be a text, and is a list"#),
        (json!({"id_token": "x"}), 403, "it is not a signed JSON web token"),
        (json!({"id_token": "", "access_token": ""}), 502, r#"token response: "access_token" is missing"#),
    ] {
        provider.replace_tokens(odd.clone());
        assert_eq!(sign_in(address).await, Err(status), "{odd}");
        log_names(&program, place).await;
    }
    let log = program.kill();
    assert!(!log.contains("eyJ"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn field_of_the_discovery_document_that_is_needed_is_named_in_the_log() {
    for (odd, place) in [
        (json!({"token_endpoint": ""}), r#"discovery document: "token_endpoint" is missing"#),
        (
            json!({"authorization_endpoint": ["x"]}),
            r#""authorization_endpoint" must be a text, and is a list"#,
        ),
        (json!({"jwks_uri": "keys"}), r#"discovery document: "jwks_uri" is not a URL"#),
        (json!({"issuer": {"verbatim": null}}), r#"discovery document: "issuer" is missing"#),
    ] {
        let provider = StandInProvider::start().await;
        provider.replace_metadata(odd.clone());
        let (program, address, _hub) = program(&provider).await;
        assert_eq!(sign_in(address).await, Err(503), "{odd}");
        log_names(&program, place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn person_and_log_are_told_that_groups_were_left_out() {
    let provider = StandInProvider::start().await;
    let (program, address, _hub) = program(&provider).await;
    for (odd, left_out) in [
        (
            json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}}),
            true,
        ),
        (json!({"_claim_names": {"mcm-idp-groups": "src1"}}), true),
        (json!({"hasgroups": true}), true),
        (json!({"hasgroups": "true"}), true),
        (json!({"_claim_names": {"address": "src1"}}), false),
        (json!({}), false),
    ] {
        let mut all = json!({"mcm-idp-groups": null});
        all.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        provider.forge(claims(all));
        let told = "left out a person's groups";
        let before = program.output().matches(told).count();
        let me = sign_in(address).await.unwrap();
        assert_eq!(
            (&me["role"], me["groups_left_out"] == json!(true)),
            (&Value::Null, left_out),
            "{odd}: {me}"
        );
        if left_out {
            wait::until(told, Duration::from_secs(10), async || {
                program.output().matches(told).count() > before
            })
            .await;
        }
    }
    assert_eq!(program.kill().matches("left out a person's groups").count(), 4, "nobody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_tokens_of_a_renewal_are_no_tokens() {
    let provider = StandInProvider::start().await;
    provider.issue_refresh_tokens(1);
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    let page = browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert_eq!(page.url.path(), "/ui/", "{page:?}");
    for odd in [json!({"id_token": ""}), json!({"id_token": {"verbatim": null}}), json!({"id_token": 7})] {
        provider.replace_tokens(odd.clone());
        let before = provider.calls("/token");
        wait::until("the session is renewed", Duration::from_secs(10), async || {
            assert!(browser.who_am_i().await.is_ok(), "{odd}");
            provider.calls("/token") > before
        })
        .await;
        assert_eq!(browser.who_am_i().await.unwrap()["role"], "admin", "{odd}");
    }
    provider.replace_tokens(json!({"refresh_token": ""}));
    let before = provider.calls("/token");
    wait::until("the session is renewed", Duration::from_secs(10), async || {
        assert!(browser.who_am_i().await.is_ok());
        provider.calls("/token") > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_of_a_person_in_many_groups_has_a_short_address() {
    let provider = StandInProvider::start().await;
    provider.replace_metadata(json!({"end_session_endpoint": format!("{}/end", provider.issuer)}));
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    for (groups, has_token) in [(1, true), (190, false)] {
        let groups: Vec<_> = (0..groups)
            .map(|n| format!("00000000-0000-0000-0000-{n:012}"))
            .chain(["admins".to_owned()])
            .collect();
        provider.forge(claims(json!({ "mcm-idp-groups": groups })));
        let mut browser = Browser::new(hub.managements()[0].address);
        browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
        assert_eq!(browser.who_am_i().await.unwrap()["role"], "admin");
        let there = browser.fetch("/oidc/logout").await.location().unwrap();
        assert!(there.as_str().len() < 2000 && there.path() == "/end", "{there}");
        let names: Vec<_> = there.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert!(
            names.contains(&"client_id".to_owned()) && names.contains(&"post_logout_redirect_uri".to_owned())
        );
        assert_eq!(names.contains(&"id_token_hint".to_owned()), has_token, "{there}");
        assert_eq!(browser.who_am_i().await.unwrap_err(), 401);
    }
}
