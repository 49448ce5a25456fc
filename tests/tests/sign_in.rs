//! Sign-in at a real identity provider, as people meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use harness::{Browser, Hub, IdentityProvider};
use serde_json::json;

const SESSION: &str = "__Host-cm-session";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_is_known() {
    let provider = IdentityProvider::start(json!({})).await;
    let hub = Hub::start_management(&provider.issuer, &[]).await;
    let mut browser = Browser::new(hub.managements()[0].address);
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
