//! Sign-in at a real Keycloak: `tools/keycloak` starts one and runs this.

use std::time::Duration;

use harness::{Browser, Hub, wait};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Keycloak: run tools/keycloak"]
async fn person_signs_in_at_keycloak_is_renewed_and_signs_out() {
    let issuer = std::env::var("KEYCLOAK_ISSUER").expect("tools/keycloak sets it");
    let settings = [("OIDC_CLIENT_SECRET", "for-tests-alone")];
    let hub = Hub::start_management(&issuer, &settings).await;
    let mut browser = Browser::new(hub.managements()[0].address);
    let login = browser.hub("/oidc/login?next=/ui/clusters");
    let page = browser.open(login, Some(&browser.hub("/ui/"))).await;
    let page = browser.submit(&page, &[("username", "admin"), ("password", "admin")]).await;
    assert_eq!(page.url, browser.hub("/ui/clusters"), "{page:?}");
    let mut me = browser.who_am_i().await.unwrap();
    me["groups"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!(
        me,
        json!({"email": "admin@example.com", "name": "Ada Admin", "groups": ["admins", "staff"], "trusted": true,
            "role": "admin", "kind": "person"})
    );

    // Its tokens are valid for five seconds.
    let sealed = "SELECT encode(sealed, 'hex') FROM sessions";
    let before = store::testing::texts(&hub.database, sealed).await.unwrap();
    wait::until("the session is renewed", Duration::from_secs(20), async || {
        assert!(browser.who_am_i().await.is_ok());
        store::testing::texts(&hub.database, sealed).await.unwrap() != before
    })
    .await;

    let page = browser.open(browser.hub("/oidc/logout"), Some(&browser.hub("/ui/"))).await;
    assert_eq!(page.url, browser.hub("/ui/login/"), "Keycloak signs out and sends the person back: {page:?}");
    assert_eq!(browser.who_am_i().await.unwrap_err(), 401);
    let page = browser.open(browser.hub("/oidc/login"), Some(&browser.hub("/ui/"))).await;
    assert!(page.body.contains("password"), "Keycloak asks again who one is: {page:?}");
}
