//! A fleet that needs no simulation: clusters that are written into the database, with one report each. They are
//! named after a city and their number, `lisbon-00000` to `oslo-09999`; some are late, lost, or have something wrong.

use std::fmt::Write as _;
use std::sync::Arc;

use fleet::{ClusterId, HealthRules, Thresholds, warning};
use futures_util::StreamExt as _;
use protocol::Heartbeat;
use store::heartbeats::NewHeartbeat;
use store::heartbeats::Presence;
use store::testing::{execute, texts};
use store::{DatabaseOptions, HeartbeatWriter, Store};

/// Settings under which clusters do not become late although nothing simulates them.
pub const SETTINGS: [(&str, &str); 2] = [("HEALTH_LATE_SECONDS", "86400"), ("HEALTH_LOST_SECONDS", "172800")];

/// Names that could break a page, a link or a query. Some clusters of the fleet have them.
pub const ODD_NAMES: [&str; 6] = [
    "a/b?c#d%",
    "<img src=x onerror=alert(1)>",
    "\u{202E}right to left",
    "100%2F 🚀",
    "'; DROP TABLE remote_clusters; --",
    "ελληνικά & кириллица",
];

const CITIES: [&str; 16] = [
    "lisbon", "porto", "madrid", "paris", "lyon", "london", "dublin", "berlin", "hamburg", "vienna",
    "prague", "warsaw", "helsinki", "tallinn", "riga", "oslo",
];

/// Writes this number of clusters, with a report of each.
pub async fn fill(store: &Store, database: &DatabaseOptions, clusters: usize) {
    insert(database, clusters).await;
    rename_some(database).await;
    let ids = ids(database).await;
    let writer = HeartbeatWriter::start(store.clone(), Arc::new(Presence::new(store.clone())));
    let beats = futures_util::stream::iter(&ids).map(|id| report(&writer, *id));
    beats.buffer_unordered(256).collect::<Vec<()>>().await;
    silence(database).await;
    remember(store, database).await;
    execute(database, "VACUUM ANALYZE").await.unwrap();
}

/// The past of `riga-00030`: its storage fills by a percent a day, and it was lost for two hours the day before
/// yesterday, and for a day a month ago.
async fn remember(store: &Store, database: &DatabaseOptions) {
    // Makes the partitions of today.
    store.record_history(HealthRules::default()).await.unwrap();
    let figures = "0.6 + sin(n / 40.0) / 4, 25e10, 10e10 + sin(n / 40.0) * 1e10, 25e12, 22e12 - n * share,
            6, 6 - (n % 300 = 7)::int, 131, 128 - n % 3";
    let sql = format!(
        "CREATE TABLE cluster_samples_past PARTITION OF cluster_samples
            FOR VALUES FROM (date_trunc('day', now()) - interval '4 days') TO (date_trunc('day', now()));
        CREATE TABLE cluster_hours_past PARTITION OF cluster_hours
            FOR VALUES FROM (date_trunc('week', now()) - interval '100 days') TO (date_trunc('week', now()));
        INSERT INTO cluster_samples
        SELECT c.id, at, 0, {figures} FROM remote_clusters AS c, generate_series(1, 570) AS n, (VALUES (8.7e8)) AS f (share),
            LATERAL (SELECT date_bin('5 minutes', now(), 'epoch') - n * interval '5 minutes' AS at) AS moment
        WHERE c.name = 'riga-00030' AND n NOT BETWEEN 480 AND 503;
        INSERT INTO cluster_hours
        SELECT c.id, at, 0, {figures} FROM remote_clusters AS c, generate_series(1, 2000) AS n, (VALUES (1e10)) AS f (share),
            LATERAL (SELECT date_trunc('week', now()) - n * interval '1 hour' AS at) AS moment
        WHERE c.name = 'riga-00030' AND n NOT BETWEEN 700 AND 723;
        INSERT INTO cluster_samples (remote_cluster_id, at, state)
        SELECT c.id, date_bin('5 minutes', now(), 'epoch') - n * interval '5 minutes', 2
        FROM remote_clusters AS c, generate_series(480, 503) AS n WHERE c.name = 'riga-00030';
        INSERT INTO cluster_hours (remote_cluster_id, at, state)
        SELECT c.id, date_trunc('week', now()) - n * interval '1 hour', 2
        FROM remote_clusters AS c, generate_series(700, 723) AS n WHERE c.name = 'riga-00030'"
    );
    execute(database, &sql).await.unwrap();
}

/// The clusters that report: those that are neither late nor lost.
pub async fn reporting(database: &DatabaseOptions) -> Vec<ClusterId> {
    ids(database).await.into_iter().filter(|id| !is_one_of(id.0, LATE) && !is_one_of(id.0, LOST)).collect()
}

/// One heartbeat.
pub async fn report(writer: &HeartbeatWriter, cluster: ClusterId) {
    let body = heartbeat(cluster);
    let Heartbeat { details, misfits, .. } = Heartbeat::parse(body.as_bytes()).unwrap();
    let findings = warning::findings(&details, &misfits, Thresholds::default());
    writer.write(NewHeartbeat { cluster, details, findings }).await.unwrap();
}

async fn ids(database: &DatabaseOptions) -> Vec<ClusterId> {
    let ids = texts(database, "SELECT id::text FROM remote_clusters ORDER BY id").await.unwrap();
    ids.iter().map(|id| ClusterId(id.parse().unwrap())).collect()
}

/// As a join leaves them, but with invalid certificates, because nothing connects with them. Ids count from 1, names from 0.
async fn insert(database: &DatabaseOptions, clusters: usize) {
    let cities = CITIES.map(|city| format!("'{city}'")).join(",");
    let sql = format!(
        "WITH added AS (
            INSERT INTO remote_clusters (uid, name, description, cluster_certificate, certificate_fingerprint,
                certificate_not_before, certificate_not_after, joined_at)
            SELECT gen_random_uuid(), (ARRAY[{cities}])[1 + n % 16] || '-' || lpad(n::text, 5, '0'),
                'Rack ' || n % 100 || ', hall ' || n % 7 || CASE WHEN n % 4 = 0 THEN ', spare' ELSE '' END, '',
                sha256(n::text::bytea), now() - interval '1 year',
                now() + CASE WHEN n % 300 = 17 THEN interval '20 d' ELSE interval '9 years' END,
                now() - make_interval(days => n % 400, mins => n % 60)
            FROM generate_series(0, {clusters} - 1) AS n ORDER BY n RETURNING id),
        details AS (INSERT INTO remote_cluster_details (remote_cluster_id) SELECT id FROM added)
        INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at)
        SELECT id, service FROM added, service_clock"
    );
    execute(database, &sql).await.unwrap();
}

/// The odd names, and one as long as names can be. They have ids one after another, from [`FIRST_ODD`] on.
async fn rename_some(database: &DatabaseOptions) {
    let long = format!("long-{}", "x".repeat(250));
    for (id, name) in (FIRST_ODD..).zip(ODD_NAMES.into_iter().chain([long.as_str()])) {
        let name = name.replace('\'', "''");
        let sql = format!(
            "UPDATE remote_clusters SET name = '{name}', description = '<script>alert(1)</script> \u{202E}& more'
            WHERE id = {id}"
        );
        execute(database, &sql).await.unwrap();
    }
}

/// Low enough for small fleets.
const FIRST_ODD: i32 = 21;

/// Used in SQL and in Rust.
const LOST: (i32, i32) = (97, 8);
const LATE: (i32, i32) = (53, 4);

fn is_one_of(id: i32, (modulus, rest): (i32, i32)) -> bool {
    id % modulus == rest
}

/// Some have been silent for long enough to be late, some for longer.
async fn silence(database: &DatabaseOptions) {
    let ((lost, of_lost), (late, of_late)) = (LOST, LATE);
    let sql = format!(
        "UPDATE remote_cluster_liveness SET recent_gaps = ARRAY[60.01, 59.98, 60.2, 61.7, 60.01, 59.5, 60.3, 60.0],
            heard_at = heard_at - silence, last_heartbeat_at = last_heartbeat_at - silence
        FROM (SELECT id, make_interval(hours => CASE WHEN id % {lost} = {of_lost} THEN 91 + id % 50
                WHEN id % {late} = {of_late} THEN 25 + id % 20 ELSE 0 END) AS silence
            FROM remote_clusters) AS c
        WHERE c.id = remote_cluster_id"
    );
    execute(database, &sql).await.unwrap();
}

/// The report of a cluster: three to nine members, each with a pool of its own, and one shared pool. Some have a
/// pool that is nearly full, a member that is offline, an instance in `Error`, a status that LXD does not know.
fn heartbeat(id: ClusterId) -> String {
    let number = u64::from(id.0.unsigned_abs());
    let members = 3 + number % 7;
    let (offline, blocked) = (u64::from(number % 80 == 7), u64::from(number % 200 == 11));
    let mut pools = String::new();
    for member in 0..members {
        let is_full = number % 40 == 9 && member == 0;
        let usage = if is_full { 930 } else { (number * 37 + member * 101) % 76 * 10 } * 1_000_000_000;
        let name = format!(r#""name":"local","member":"micro{member:02}""#);
        write!(pools, r#"{{{name},"total":960000000000,"usage":{usage}}},"#).unwrap();
    }
    let memory_permille = if number % 60 == 13 { 910 } else { number * 13 % 790 };
    format!(
        r#"{{"cpu_load_1":"{load:.2}","cpu_load_5":"0.90","cpu_load_15":"0.70","cpu_total_count":0,
        "memory_total_amount":{},"memory_usage":{},"ui_url":"https://site-{number}.example.org:8443",
        "ceph_statuses":[{{"status":"Online","count":{}}},{{"status":"Warning","count":{}}}],
        "member_statuses":[{{"status":"Online","count":{}}},{{"status":"Offline","count":{offline}}},
            {{"status":"Blocked","count":{blocked}}}],
        "instance_statuses":[{{"status":"Running","count":{}}},{{"status":"Stopped","count":{}}},
            {{"status":"Error","count":{}}},{{"status":"Thawing","count":{}}}],
        "storage_pool_usages":[{pools}{{"name":"remote","member":"","total":20000000000000,"usage":{}}}]}}"#,
        members * 64_000_000_000,
        members * 64_000_000 * memory_permille,
        if number % 3 == 0 { 3 } else { 0 },
        u64::from(number % 150 == 33),
        members - offline - blocked,
        number * 17 % 200 + 1,
        number % 30,
        u64::from(number % 50 == 23),
        u64::from(number % 90 == 31) * 2,
        number * 7 % 160 * 100_000_000_000,
        load = (number % 977) as f64 / 50.0,
    )
}
