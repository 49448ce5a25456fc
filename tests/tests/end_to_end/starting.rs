//! Units while they start: before the database has their schema nothing that needs it is answered, and nothing fails.

use std::time::Duration;

use agent::client::{CallOptions, Network, Request, call};
use harness::management::Api;
use harness::{Hub, wait};
use http::Method;
use store::testing::{empty_database, execute, hold_migration_lock};

/// What people and programs call, and what each needs the database for.
const NEED_THE_DATABASE: [(&str, &str); 9] = [
    ("GET", "/oidc/login"),
    ("GET", "/oidc/callback?code=x&state=y"),
    ("GET", "/oidc/logout"),
    ("GET", "/1.0"),
    ("GET", "/1.0/status"),
    ("GET", "/1.0/remote-cluster"),
    ("POST", "/1.0/remote-cluster-join-token"),
    ("DELETE", "/1.0/remote-cluster/a"),
    ("GET", "/1.0/event"),
];

#[tokio::test(flavor = "multi_thread")]
async fn management_unit_is_not_ready_and_answers_503_until_another_unit_has_migrated() {
    let mut hub = Hub::without_units(empty_database().await.unwrap(), &[]);
    let lock = hold_migration_lock(&hub.database).await.unwrap();
    let port = hub.add_starting_management().await.port();
    let api = Api::of(&hub, port, Some("cms_unknown".to_owned()));
    for (method, path) in NEED_THE_DATABASE {
        let response = api.send(method, path).await;
        assert_eq!(response.status, 503, "{method} {path}: {response:?}");
        assert!(response.headers.contains_key("retry-after"), "{method} {path}");
    }
    assert_eq!(hub.managements()[0].status_code().await, 500, "contract section 5");
    for path in ["/1.0/openapi.json", "/1.0/sign-in"] {
        assert_eq!(api.send("GET", path).await.status, 200, "{path}");
    }

    drop(lock);
    wait::until("the unit is ready", Duration::from_secs(30), async || {
        api.send("GET", "/1.0/status").await.status == 200
    })
    .await;
    assert_eq!(hub.managements()[0].status_code().await, 200);
    assert_eq!(api.send("GET", "/1.0/remote-cluster").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connectors_that_start_together_never_answer_500_under_any_isolation_level() {
    for level in ["read uncommitted", "read committed", "repeatable read", "serializable"] {
        let database = empty_database().await.unwrap();
        let sql = format!("ALTER DATABASE {} SET default_transaction_isolation = '{level}'", database.name);
        execute(&database, &sql).await.unwrap();
        let mut hub = Hub::without_units(database, &harness::hub::UNLIMITED);
        hub.add_starting_unit().await;
        hub.add_starting_unit().await;
        let site = hub.cluster_without_token("a");
        for unit in hub.units() {
            let network = Network { connect_to: Some(unit.address), ..Network::default() };
            wait::until("the unit is ready", Duration::from_secs(30), async || {
                let status = CallOptions {
                    path: "/1.0/status".to_owned(),
                    network,
                    ..CallOptions::new(hub.address.clone())
                };
                let ready = call(status).await.unwrap().status.as_u16();
                assert!([200, 503].contains(&ready), "{level}: {ready}");
                ready == 200
            })
            .await;
            let request = Request::new(Method::POST, "/1.0/remote-cluster/status", "{}");
            assert_eq!(site.exchange(request).await.unwrap().response.status, 403, "{level}");
        }
    }
}
