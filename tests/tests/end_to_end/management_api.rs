//! The management API as deployed users call it (contract section 2), and what it has in addition.

use fleet::Role;
use harness::management::ApiResponse;
use harness::{Api, Hub, ManagementUnit};
use percent_encoding::NON_ALPHANUMERIC;
use serde_json::{Value, json};

const TOKENS: &str = "/1.0/remote-cluster-join-token";

/// A hub with a connector and a management unit, and an account of each role.
struct Setting {
    hub: Hub,
    unit: ManagementUnit,
    admin: Api,
    operator: Api,
    viewer: Api,
}

impl Setting {
    async fn new() -> Self {
        let hub = Hub::start_unlimited().await;
        let unit = ManagementUnit::start(&hub).await;
        let admin = unit.as_role(&hub, Role::Admin).await;
        let operator = unit.as_role(&hub, Role::Operator).await;
        let viewer = unit.as_role(&hub, Role::Viewer).await;
        Self { hub, unit, admin, operator, viewer }
    }
}

fn path(name: &str) -> String {
    format!("/1.0/remote-cluster/{}", percent_encoding::utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn envelope(reply: &ApiResponse) -> Vec<&str> {
    reply.body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_response_is_an_envelope_with_all_its_keys() {
    let setting = Setting::new().await;
    let Setting { viewer, unit, hub, .. } = &setting;
    let anybody = unit.anybody(hub);
    let keys = ["error", "error_code", "metadata", "operation", "status", "status_code", "type"];
    for (reply, status) in [
        (viewer.get("/1.0").await, 200),
        (anybody.get("/1.0/status").await, 200),
        (anybody.get("/1.0").await, 401),
        (viewer.get("/1.0/nothing").await, 404),
        (viewer.get("/1.0/remote-cluster/nobody").await, 404),
        (viewer.send("POST", "/1.0/configuration").await, 405),
        (viewer.send("DELETE", "/1.0/remote-cluster/nobody").await, 403),
    ] {
        assert_eq!((reply.status, envelope(&reply)), (status, keys.to_vec()), "{}", reply.text);
        let code = if status == 200 { "status_code" } else { "error_code" };
        assert_eq!(reply.body[code], status);
    }
    assert_eq!(anybody.get("/1.0").await.error(), (401, "Unauthorized"));
}

#[tokio::test]
async fn who_am_i_shows_name_and_trust() {
    let setting = Setting::new().await;
    let Setting { operator, .. } = &setting;
    let reply = operator.get("/1.0").await;
    let who = reply.metadata();
    assert_eq!(
        (&who["trusted"], &who["role"], &who["groups"]),
        (&json!(true), &json!("operator"), &json!([]))
    );
}

#[tokio::test]
async fn cluster_is_shown_configured_and_removed() {
    let setting = Setting::new().await;
    let Setting { hub, operator, viewer, .. } = &setting;
    let site = hub.enrol("a/b?c#d%").await;
    site.heartbeat(r#"{"member_statuses":[{"status":"Online","count":3}],"ceph_statuses":null}"#.as_bytes())
        .await
        .unwrap();
    let path = path("a/b?c#d%");

    let reply = viewer.get(&path).await;
    let cluster = reply.metadata();
    let keys: Vec<&str> = cluster.as_object().unwrap().keys().map(String::as_str).collect();
    for key in "name description cluster_certificate disk_threshold memory_threshold status ceph_count ceph_statuses \
        cpu_total_count cpu_load_1 cpu_load_5 cpu_load_15 memory_total_amount memory_usage storage_pool_usages \
        member_count member_statuses instance_count instance_statuses ui_url lxd_url cluster_uuid tunnel_registered joined_at created_at \
        last_status_update_at health warnings certificate"
        .split_whitespace()
    {
        assert!(keys.contains(&key), "{key}");
    }
    assert_eq!(cluster["name"], "a/b?c#d%");
    assert_eq!(cluster["member_statuses"], json!([{"status":"Online","count":3}]));
    assert_eq!((&cluster["ceph_statuses"], &cluster["member_count"]), (&json!([]), &json!(3)));
    assert_eq!((&cluster["disk_threshold"], &cluster["status"]), (&json!(80), &json!("ACTIVE")));
    assert_eq!(cluster["health"]["state"], "fresh");

    let change = json!({"status":"", "description":"in the cellar", "disk_threshold":55});
    assert_eq!(operator.send_json("PATCH", &path, change).await.status, 200);
    let again = json!({"memory_threshold":100});
    assert_eq!(operator.send_json("PATCH", &path, again).await.status, 200);
    let reply = viewer.get(&path).await;
    let after = reply.metadata();
    assert_eq!(
        (&after["description"], &after["disk_threshold"], &after["memory_threshold"]),
        (&json!("in the cellar"), &json!(55), &json!(100))
    );
    assert_eq!(after["joined_at"], cluster["joined_at"]);

    assert_eq!(operator.send("DELETE", &path).await.status, 200);
    assert_eq!(operator.send("DELETE", &path).await.error(), (404, "Not Found"));
    assert_eq!(operator.send_json("PATCH", &path, json!({})).await.error(), (404, "Not Found"));
    assert_eq!(site.heartbeat(b"{}".as_slice()).await.unwrap_err().status().unwrap(), 403);
}

#[tokio::test]
async fn invalid_change_is_refused_and_changes_nothing() {
    let setting = Setting::new().await;
    let Setting { hub, operator, viewer, .. } = &setting;
    hub.enrol("a").await;
    for (body, problem) in [
        (json!({"disk_threshold":101}), "disk_threshold must be a whole number from 0 to 100"),
        (json!({"memory_threshold":-1}), "memory_threshold must be a whole number from 0 to 100"),
        (json!({"memory_threshold":80.5}), "memory_threshold must be a whole number from 0 to 100"),
        (json!({"status":"PENDING"}), "status can only be ACTIVE"),
        (json!({"description":"a\u{0}b"}), "description cannot hold NUL"),
    ] {
        let body = body.as_object().unwrap().clone();
        let with_description = json!({"description":"new"}).as_object().unwrap().clone();
        let body = Value::Object(with_description.into_iter().chain(body).collect());
        assert_eq!(operator.send_json("PATCH", "/1.0/remote-cluster/a", body).await.error(), (400, problem));
    }
    assert_eq!(viewer.get("/1.0/remote-cluster/a").await.metadata()["description"], "");
}

#[tokio::test]
async fn body_of_wrong_type_or_size_is_refused() {
    let setting = Setting::new().await;
    let Setting { hub, operator, .. } = &setting;
    hub.enrol("a").await;
    let patch = || operator.request("PATCH", "/1.0/remote-cluster/a");
    let form = patch().header("content-type", "text/plain").body("{}");
    assert_eq!(ApiResponse::read(form).await.error(), (415, "Unsupported Media Type"));
    assert_eq!(ApiResponse::read(patch().body("{}")).await.status, 415);
    let large = json!({"description": "x".repeat(70_000)});
    assert_eq!(operator.send_json("PATCH", "/1.0/remote-cluster/a", large).await.status, 413);
    let broken = patch().header("content-type", "application/json; charset=utf-8").body("{");
    assert_eq!(ApiResponse::read(broken).await.status, 400);
}

#[tokio::test]
async fn token_is_created_once_for_a_name_and_enrols_a_cluster() {
    let setting = Setting::new().await;
    let Setting { hub, operator, viewer, .. } = &setting;
    let made = operator.send_json("POST", TOKENS, json!({"cluster_name":"x y","description":"d"})).await;
    let token = made.metadata()["token"].as_str().unwrap().to_owned();
    let again = operator.send_json("POST", TOKENS, json!({"cluster_name":"x y"})).await;
    assert_eq!(again.error(), (409, "there is already a valid join token for \"x y\""));

    let list = viewer.get(TOKENS).await;
    let listed = &list.metadata()[0];
    assert_eq!((&listed["cluster_name"], &listed["description"]), (&json!("x y"), &json!("d")));
    let keys: Vec<_> = listed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["cluster_name", "created_at", "description", "expiry"]);
    assert!(!list.text.contains(&token));

    agent::client::join(&token, harness::hub::keys("x y"), agent::client::Proof::Token).await.unwrap();
    assert_eq!(hub.shown("x y")["description"], "d");
    assert_eq!(viewer.get(TOKENS).await.metadata(), &json!([]));
    let taken = operator.send_json("POST", TOKENS, json!({"cluster_name":"x y"})).await;
    assert_eq!(taken.error(), (409, "a cluster named \"x y\" is already enrolled"));

    for body in
        [json!({}), json!({"cluster_name":""}), json!({"cluster_name":"a","expiry":"2020-01-01T00:00:00Z"})]
    {
        assert_eq!(operator.send_json("POST", TOKENS, body).await.status, 400);
    }
    operator
        .send_json("POST", TOKENS, json!({"cluster_name":"z","expiry":"0001-01-01T00:00:00Z"}))
        .await
        .metadata();
    assert_eq!(operator.send("DELETE", &format!("{TOKENS}/z")).await.status, 200);
    assert_eq!(operator.send("DELETE", &format!("{TOKENS}/z")).await.status, 404);
}

#[tokio::test]
async fn bulk_request_reports_each_cluster_separately() {
    let setting = Setting::new().await;
    let Setting { hub, operator, viewer, .. } = &setting;
    for name in ["a", "b", "c"] {
        hub.enrol(name).await;
    }
    let bulk = "/1.0/remote-cluster-bulk";
    let request = json!({"action":"configure","names":["a","nobody","c"],"change":{"disk_threshold":10}});
    let reply = operator.send_json("POST", bulk, request).await;
    assert_eq!(
        reply.metadata(),
        &json!([
            {"name":"a","status_code":200,"error":""},
            {"name":"nobody","status_code":404,"error":"Not Found"},
            {"name":"c","status_code":200,"error":""},
        ])
    );
    assert_eq!(viewer.get("/1.0/remote-cluster/c").await.metadata()["disk_threshold"], 10);
    let request = json!({"action":"configure","filter":{"search":"B"},"change":{"description":"found"}});
    let reply = operator.send_json("POST", bulk, request).await;
    assert_eq!(reply.metadata(), &json!([{"name":"b","status_code":200,"error":""}]));
    let names = json!(["a", "nobody"]);
    let request =
        json!({"action":"configure","names":names,"change":{"disk_threshold":20},"only_failures":true});
    let reply = operator.send_json("POST", bulk, request).await;
    assert_eq!(reply.metadata(), &json!([{"name":"nobody","status_code":404,"error":"Not Found"}]));
    let request = json!({"action":"remove","names":["a","b"]});
    assert_eq!(operator.send_json("POST", bulk, request).await.status, 200);
    assert_eq!(viewer.get("/1.0/remote-cluster/a").await.status, 404);
    for wrong in [
        json!({"action":"remove"}),
        json!({"action":"remove","filter":{}}),
        json!({"action":"remove","filter":{"search":""}}),
        json!({"action":"remove","filter":{"search":null,"health":[]}}),
        json!({"action":"remove","filter":{"search":"c\u{0}"}}),
        json!({"action":"remove","filter":{"member-status":[""]}}),
        json!({"action":"remove","names":["c"],"filter":{"search":"c"}}),
        json!({"action":"remove","filter":{"health":["dead"]}}),
        json!({"action":"configure","names":["c"]}),
        json!({"action":"configure","names":["c"],"change":{"disk_threshold":101}}),
        json!({"action":"explode","names":["c"]}),
        json!({"action":"remove","names":["c"],"nmaes":["d"]}),
    ] {
        assert_eq!(operator.send_json("POST", bulk, wrong).await.status, 400);
    }
    assert_eq!(viewer.get("/1.0/remote-cluster/c").await.status, 200);
}

#[tokio::test]
async fn time_that_does_not_exist_in_utc_is_harmless() {
    let setting = Setting::new().await;
    for name in ["since", "until"] {
        let reply = setting.viewer.get(&format!("/1.0/event?{name}=9999-12-31T23:59:59-23:59")).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
    }
    assert_eq!(setting.viewer.get("/1.0/event").await.status, 200);
}

#[tokio::test]
async fn changes_are_streamed_as_they_happen() {
    let setting = Setting::new().await;
    let Setting { hub, operator, viewer, .. } = &setting;
    let site = hub.enrol("a").await;
    let uid = hub.shown("a")["uid"].as_str().unwrap().to_owned();
    let mut stream = viewer.request("GET", "/1.0/changes").send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut told = String::new();
    let mut until = async |what: String| {
        while !told.contains(&what) {
            told += std::str::from_utf8(&stream.chunk().await.unwrap().expect("it goes on")).unwrap();
        }
    };
    until("event:connected".to_owned()).await;
    operator.send_json("PATCH", "/1.0/remote-cluster/a", json!({"description":"new"})).await.metadata();
    until(format!(r#"{{"kind":"configured","uid":"{uid}"}}"#)).await;
    // Heartbeats are streamed every two seconds, from the first interval after the stream begins.
    tokio::select! {
        () = until(format!(r#"{{"uids":["{uid}"]}}"#)) => {}
        () = async {
            loop {
                site.heartbeat(b"{}".as_slice()).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            }
        } => {}
    }
    operator.send("DELETE", "/1.0/remote-cluster/a").await.metadata();
    until(format!(r#"{{"kind":"removed","uid":"{uid}"}}"#)).await;

    let ended = viewer.get("/1.0/changes?max=1").await;
    assert_eq!(ended.text, "event:connected\ndata:{}\n\n");
}

#[tokio::test]
async fn draining_unit_ends_its_streams() {
    let Setting { hub: _hub, viewer, mut unit, .. } = Setting::new().await;
    let mut stream = viewer.request("GET", "/1.0/changes").send().await.unwrap();
    stream.chunk().await.unwrap().expect("it has begun");
    unit.stop().await;
    while let Ok(Some(_)) = stream.chunk().await {}
}

#[tokio::test]
async fn configuration_is_shown_with_its_secrets_masked() {
    let setting = Setting::new().await;
    let Setting { viewer, .. } = &setting;
    let reply = viewer.get("/1.0/configuration").await;
    let settings = reply.metadata().as_object().unwrap();
    assert_eq!(settings.len(), 19);
    for setting in settings.values() {
        let keys: Vec<_> = setting.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["description", "title", "value"]);
    }
    assert_eq!(settings["oidc_issuer"]["value"], "https://idp.example.com");
}

#[tokio::test]
async fn without_a_tunnel_no_request_goes_through_it() {
    let setting = Setting::new().await;
    let Setting { hub, admin, .. } = &setting;
    hub.enrol("a").await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let reply = admin.send(method, "/1.0/remote-cluster/a/tunnel/1.0/instances?recursion=1").await;
        assert_eq!(reply.error(), (400, "remote cluster does not have an active tunnel"));
        assert_eq!(admin.send(method, "/1.0/remote-cluster/b/tunnel/1.0").await.status, 404);
    }
}

#[tokio::test]
async fn other_websites_can_open_pages_but_not_call_the_api() {
    let setting = Setting::new().await;
    let Setting { admin, .. } = &setting;
    for (method, path, status) in [
        ("GET", "/", 302),
        ("GET", "/ui/cluster/a%2Fb", 200),
        ("GET", "/1.0", 403),
        ("GET", "/1.0/remote-cluster/a", 403),
        ("DELETE", "/1.0/remote-cluster/a", 403),
        ("GET", "/oidc/login", 403),
    ] {
        for site in ["cross-site", "same-site"] {
            let reply = ApiResponse::read(admin.request(method, path).header("sec-fetch-site", site)).await;
            assert_eq!(reply.status, status, "{method} {path}");
        }
    }
    let reply = admin.get("/1.0").await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    assert_eq!(reply.headers["x-frame-options"], "DENY");
    assert!(reply.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}
