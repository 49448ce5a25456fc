//! The list of clusters and the fleet's totals as clients see them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytes::Bytes;
use fleet::Role;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap};
use http::{Request, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use management::testing::Client;
use management::{Management, Options};
use serde_json::{Value, json};
use store::DatabaseOptions;
use store::testing::{empty_database, execute, store};

/// The keys that deployed clients rely on (contract section 2).
const CONTRACT: &[&str] = &[
    "name",
    "description",
    "cluster_certificate",
    "disk_threshold",
    "memory_threshold",
    "status",
    "ceph_count",
    "ceph_statuses",
    "cpu_total_count",
    "cpu_load_1",
    "cpu_load_5",
    "cpu_load_15",
    "memory_total_amount",
    "memory_usage",
    "storage_pool_usages",
    "member_count",
    "member_statuses",
    "instance_count",
    "instance_statuses",
    "ui_url",
    "lxd_url",
    "cluster_uuid",
    "tunnel_registered",
    "joined_at",
    "created_at",
    "last_status_update_at",
];
const OURS: &[&str] = &["uid", "last_heartbeat_at", "health", "warnings", "certificate"];

/// Names that need encoding, escaping or sorting by bytes.
const NAMES: &[&str] = &["a", "B", "a/b", "<img src=x>", "\"quoted\"", "100 %", "Zürich", "é", "🦀", "a_b"];

struct Hub {
    database: DatabaseOptions,
    viewer: Client,
}

async fn hub() -> Hub {
    let database = empty_database().await.unwrap();
    let store = store(&database);
    store.migrate().await.unwrap();
    let management = Management::new(store, Options::for_tests());
    let viewer = Client::with_role(&management, Role::Viewer).await.unwrap();
    Hub { database, viewer }
}

/// A hub with clusters that have just sent a heartbeat.
async fn hub_with(names: impl IntoIterator<Item = String>) -> Hub {
    let hub = hub().await;
    let mut sql = String::new();
    for (number, name) in names.into_iter().enumerate() {
        let name = name.replace('\'', "''");
        write!(
            sql,
            "INSERT INTO remote_clusters (id, uid, name, cluster_certificate, certificate_fingerprint,
                certificate_not_before, certificate_not_after)
            VALUES ({number}, gen_random_uuid(), '{name}', 'pem', sha256('{number}'), now(), now() + interval '1 year');
            INSERT INTO remote_cluster_details (remote_cluster_id, storage_pool_usages)
            VALUES ({number}, '[{{\"name\":\"p\",\"member\":\"m\",\"total\":9,\"usage\":1}}]');
            INSERT INTO remote_cluster_liveness (remote_cluster_id, last_heartbeat_at, heard_at)
            VALUES ({number}, now(), now());"
        )
        .unwrap();
    }
    execute(&hub.database, &sql).await.unwrap();
    hub
}

fn some_names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| (*name).to_owned())
}

async fn get(hub: &Hub, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = hub.viewer.send(request.body(Full::default()).unwrap()).await;
    let (head, body) = answer.into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes())
}

async fn metadata(hub: &Hub, path: &str) -> Value {
    let (status, _, body) = get(hub, path, &[]).await;
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    body["metadata"].take()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn names(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_without_parameters_has_the_fields_of_the_contract() {
    let hub = hub_with(some_names()).await;
    let (status, headers, body) = get(&hub, "/1.0/remote-cluster", &[]).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let envelope = ["type", "status", "status_code", "operation", "error_code", "error", "metadata"];
    assert_eq!(keys(&body), BTreeSet::from(envelope));
    assert_eq!(
        (&body["type"], &body["status"], &body["status_code"], &body["error"]),
        (&json!("sync"), &json!("Success"), &json!(200), &json!(""))
    );
    let mut expected = NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(names(&body["metadata"]), expected);
    let all: BTreeSet<&str> = CONTRACT.iter().chain(OURS).copied().collect();
    for cluster in body["metadata"].as_array().unwrap() {
        assert_eq!(keys(cluster), all);
        assert_eq!(cluster["member_statuses"], json!([]));
        let pool = json!([{"name": "p", "member": "m", "total": 9, "usage": 1}]);
        assert_eq!(cluster["storage_pool_usages"], pool);
    }
}

#[tokio::test]
async fn empty_fleet_is_an_empty_list() {
    let hub = hub().await;
    assert_eq!(metadata(&hub, "/1.0/remote-cluster").await, json!([]));
    let page = json!({"items": [], "next_cursor": null, "total": 0});
    assert_eq!(metadata(&hub, "/1.0/remote-cluster?limit=5").await, page);
}

#[tokio::test]
async fn whole_list_is_streamed() {
    let hub = hub_with((0..1000).map(|number| format!("c{number:04}"))).await;
    let request = Request::get("/1.0/remote-cluster").body(Full::default()).unwrap();
    let answer = hub.viewer.send(request).await;
    assert_eq!(answer.body().size_hint().exact(), None);
    assert_eq!(answer.headers().get(CONTENT_LENGTH), None);
    let mut body = answer.into_body();
    let (mut frames, mut longest, mut whole) = (0, 0, Vec::new());
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        frames += 1;
        longest = longest.max(piece.len());
        whole.extend_from_slice(&piece);
    }
    assert!(frames >= 5 && longest < whole.len() / 4, "{frames} frames, the longest of {longest} bytes");
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(whole["metadata"].as_array().unwrap().len(), 1000);
    let (_, headers, compressed) = get(&hub, "/1.0/remote-cluster", &[("accept-encoding", "br")]).await;
    assert_eq!(headers[CONTENT_ENCODING], "br");
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut brotli::Decompressor::new(&compressed[..], 4096), &mut plain).unwrap();
    assert_eq!(
        names(&serde_json::from_slice::<Value>(&plain).unwrap()["metadata"]),
        names(&whole["metadata"])
    );
}

#[tokio::test]
async fn client_that_stops_reading_the_list_holds_no_connection() {
    let hub = hub_with((0..1000).map(|number| format!("c{number:04}"))).await;
    let request = || Request::get("/1.0/remote-cluster").body(Full::default()).unwrap();
    // More requests than connections: a request must not hold one while its client does not read.
    let mut unread = Vec::new();
    for _ in 0..40 {
        unread.push(hub.viewer.send(request()).await);
    }
    assert_eq!(metadata(&hub, "/1.0/remote-cluster?limit=1").await["total"], 1000);
}

#[tokio::test]
async fn any_parameter_selects_a_page() {
    let hub = hub_with(some_names()).await;
    let page = metadata(&hub, "/1.0/remote-cluster?limit=3&sort=name").await;
    assert_eq!(keys(&page), BTreeSet::from(["items", "next_cursor", "total"]));
    let mut expected = NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(names(&page["items"]), expected[..3]);
    assert_eq!(page["total"], 10);
    let all: BTreeSet<&str> = CONTRACT.iter().chain(OURS).copied().collect();
    assert_eq!(keys(&page["items"][0]), all);
    let cursor = page["next_cursor"].as_str().unwrap();
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let next = metadata(&hub, &format!("/1.0/remote-cluster?limit=500&sort=name&cursor={cursor}")).await;
    assert_eq!(names(&next["items"]), expected[3..]);
    assert_eq!(next["next_cursor"], Value::Null);
    let found = metadata(&hub, "/1.0/remote-cluster?search=Z%C3%9CR").await;
    assert_eq!(names(&found["items"]), ["Zürich"]);
    let found = metadata(&hub, "/1.0/remote-cluster?search=%25").await;
    assert_eq!(names(&found["items"]), ["100 %"]);
}

#[tokio::test]
async fn summary_has_the_fields_of_the_list() {
    let hub = hub_with(["a".to_owned()]).await;
    let page = metadata(&hub, "/1.0/remote-cluster?fields=summary").await;
    let summary = &page["items"][0];
    let expected = [
        "name",
        "uid",
        "description",
        "health",
        "last_heartbeat_at",
        "joined_at",
        "member_count",
        "members_not_online",
        "instance_count",
        "instances_running",
        "cpu_total_count",
        "cpu_load_1",
        "cpu_load_5",
        "cpu_load_15",
        "memory_total_amount",
        "memory_usage",
        "storage_total",
        "storage_usage",
        "fullest_storage_pool",
        "disk_threshold",
        "memory_threshold",
        "warnings",
        "ui_url",
        "tunnel_registered",
        "certificate_not_after",
    ];
    assert_eq!(keys(summary), BTreeSet::from(expected));
    assert_eq!(summary["health"]["state"], "fresh");
    assert_eq!((&summary["storage_total"], &summary["storage_usage"]), (&json!(9), &json!(1)));
    assert_eq!(summary["fullest_storage_pool"]["name"], "p");
    assert_eq!(keys(&page), BTreeSet::from(["items", "next_cursor", "total"]));
}

#[tokio::test]
async fn invalid_parameter_is_named_with_the_valid_ones() {
    let hub = hub_with(some_names()).await;
    for (query, texts) in [
        ("serach=x", ["serach", "search"]),
        ("limit=501", ["limit", "1 to 500"]),
        ("sort=uptime", ["sort", "last_heartbeat"]),
        ("health=bad", ["health", "fresh, late, lost"]),
        ("warning=bad", ["warning", "certificate"]),
        ("memory-above=80.5", ["memory-above", "0 to 100"]),
        ("cursor=AAAA", ["cursor", "next_cursor"]),
        ("search=%00", ["search", "NUL"]),
        ("search=%ff", ["query", "UTF-8"]),
    ] {
        let (status, _, body) = get(&hub, &format!("/1.0/remote-cluster?{query}"), &[]).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &body["error_code"]), (400, &json!(400)), "{query}");
        let text = body["error"].as_str().unwrap();
        assert!(texts.iter().all(|part| text.contains(part)), "{query}: {text}");
    }
}

#[tokio::test]
async fn unchanged_pages_and_totals_are_not_sent_again() {
    let hub = hub_with(some_names()).await;
    for path in ["/1.0/remote-cluster?fields=summary", "/1.0/remote-cluster?limit=2&sort=name", "/1.0/fleet"]
    {
        let (_, headers, _) = get(&hub, path, &[]).await;
        assert_eq!(headers["cache-control"], "no-cache, private");
        let tag = headers[ETAG].to_str().unwrap();
        let has = [("if-none-match", tag), ("accept-encoding", "gzip")];
        let (status, headers, body) = get(&hub, path, &has).await;
        assert_eq!((status.as_u16(), body.len()), (304, 0), "{path}");
        assert_eq!(headers[ETAG], tag);
        execute(&hub.database, "UPDATE remote_clusters SET description = description || '!'").await.unwrap();
        let sql = "UPDATE remote_cluster_liveness SET memory_total = memory_total + 1";
        execute(&hub.database, sql).await.unwrap();
        assert_eq!(get(&hub, path, &has).await.0, 200, "{path}");
    }
    let (_, headers, _) = get(&hub, "/1.0/remote-cluster", &[]).await;
    assert_eq!(headers.get(ETAG), None);
    assert_eq!(headers["cache-control"], "no-store");
}

#[tokio::test]
async fn totals_count_the_fleet() {
    let hub = hub_with(some_names()).await;
    let sql = "UPDATE remote_cluster_liveness SET members_online = 3, members_offline = 1, instances_running = 7,
            other_members = '{\"ärger\": 2}', memory_total = 100, memory_usage = 40, storage_total = 9;
        UPDATE connector_presence SET accepting_until = now();
        UPDATE remote_cluster_liveness SET heard_at = now() - interval '200 s' WHERE remote_cluster_id < 2;
        UPDATE remote_cluster_liveness SET heard_at = now() - interval '900 s' WHERE remote_cluster_id = 2;
        UPDATE remote_clusters SET certificate_not_after = now() + interval '10 days' WHERE id = 3;
        UPDATE remote_cluster_liveness SET warning_count = 2 WHERE remote_cluster_id IN (4, 5);
        INSERT INTO remote_cluster_warnings (remote_cluster_id, kind, subject, severity, text)
        VALUES (4, 'storage', 'a', 'warning', ''), (4, 'storage', 'b', 'warning', ''), (5, 'storage', 'a', 'critical', '')";
    execute(&hub.database, sql).await.unwrap();
    let mut totals = metadata(&hub, "/1.0/fleet").await;
    let as_of = totals["as_of"].take();
    assert!(as_of.as_str().unwrap().ends_with('Z'));
    let warning =
        |kind, severity, clusters| json!({"kind": kind, "severity": severity, "clusters": clusters});
    let expected = json!({
        "as_of": null,
        "is_hub_outage": false,
        "clusters": 10,
        "health": {"fresh": 7, "late": 2, "lost": 1},
        "warnings": [
            warning("heartbeat", "critical", 1),
            warning("storage", "critical", 1),
            warning("heartbeat", "warning", 2),
            warning("storage", "warning", 1),
            warning("certificate", "warning", 1),
        ],
        "member_statuses": [
            {"status": "Online", "count": 30}, {"status": "Offline", "count": 10}, {"status": "Evacuated", "count": 0},
            {"status": "Blocked", "count": 0}, {"status": "Ärger", "count": 20},
        ],
        "instance_statuses": [
            {"status": "Running", "count": 70}, {"status": "Stopped", "count": 0}, {"status": "Frozen", "count": 0},
            {"status": "Error", "count": 0},
        ],
        "memory_total_amount": 1000,
        "memory_usage": 400,
        "storage_total": 90,
        "storage_usage": 0,
    });
    assert_eq!(totals, expected);
    execute(&hub.database, "UPDATE connector_presence SET accepting_until = now() - interval '1 hour'")
        .await
        .unwrap();
    let totals = metadata(&hub, "/1.0/fleet").await;
    assert!(totals["is_hub_outage"] == true && totals["hub_outage_since"].is_string(), "{totals}");
}

#[tokio::test]
async fn database_without_our_schema_is_unavailable() {
    let hub = hub().await;
    execute(&hub.database, "DROP TABLE remote_cluster_warnings CASCADE").await.unwrap();
    for path in ["/1.0/remote-cluster", "/1.0/remote-cluster?limit=1", "/1.0/fleet"] {
        assert_eq!(get(&hub, path, &[]).await.0, 503, "{path}");
    }
}

#[tokio::test]
async fn history_has_a_forecast_if_there_is_a_trend() {
    let hub = hub_with(["a/b c".to_owned()]).await;
    let path = "/1.0/remote-cluster/a%2Fb%20c/history";
    let empty = metadata(&hub, path).await;
    assert_eq!((&empty["at"], &empty["resolution_seconds"]), (&json!([]), &json!(300)));
    assert!(empty.get("storage_full_in_days").is_none());
    let sql = "
        CREATE TABLE cluster_hours_all PARTITION OF cluster_hours DEFAULT;
        INSERT INTO cluster_hours
        SELECT 0, date_trunc('hour', now()) - h * interval '1 hour', CASE h WHEN 3 THEN 2 ELSE 0 END, 0.5, 1000, 500, 1000,
            CASE h WHEN 5 THEN NULL ELSE 900 - h END, 3, 2, 8, 7
        FROM generate_series(0, 240) AS h;
        UPDATE cluster_hours SET cpu_load = NULL, memory_total = NULL, memory_usage = NULL, storage_total = NULL,
            members = NULL, members_online = NULL, instances = NULL, instances_running = NULL
        WHERE storage_usage IS NULL";
    execute(&hub.database, sql).await.unwrap();
    let history = metadata(&hub, &format!("{path}?resolution=1h")).await;
    assert_eq!(history["at"].as_array().unwrap().len(), 241);
    // From 90%, 2.4% a day.
    assert_eq!(history["storage_full_in_days"], 4);
    assert!(history.get("memory_full_in_days").is_none());
    assert_eq!((&history["health"][237], &history["health"][238]), (&json!("lost"), &json!("fresh")));
    assert_eq!((&history["cpu_load"][235], &history["cpu_load"][236]), (&json!(null), &json!(0.5)));
    assert_eq!(history["storage_usage"][240], 900);
    for wrong in ["?resolution=1d", "?limit=5", "?resolution=1h&resolution=1h"] {
        assert_eq!(get(&hub, &format!("{path}{wrong}"), &[]).await.0, 400, "{wrong}");
    }
    assert_eq!(get(&hub, "/1.0/remote-cluster/nobody/history", &[]).await.0, 404);
}
