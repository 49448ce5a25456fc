//! Databases of the existing program, at each of its six versions, taken over in place (contract section 3).

use fleet::{HealthState, Percent};
use protocol::{Certificate, JoinToken};
use store::access::{Person, SessionId};
use store::enrolment::JoinProof;
use store::testing::{empty_database, execute, store as store_over, texts};
use store::{DatabaseOptions, Store};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::support::{certificate, origin, request};

const JOINED: OffsetDateTime = datetime!(2025-03-04 05:06:07 UTC);
const LAST_HEARTBEAT: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// The columns of a version of the existing program, with the types that it has there (contract section 3).
fn schema(version: u8) -> String {
    let from = |first: u8, sql: &'static str| if version >= first { sql } else { "" };
    let age = if (2..6).contains(&version) { "age integer," } else { "" };
    let url = if version >= 5 { "lxd_url" } else { "ui_url" };
    let uuid = from(6, ", cluster_uuid text NOT NULL DEFAULT ''");
    let tunnel = from(4, "tunnel_manager_member_url text,");
    let people = from(
        3,
        "CREATE TABLE identities (id serial PRIMARY KEY, subject varchar(255) NOT NULL UNIQUE, name varchar(255),
            email varchar(255), display_name varchar(255), created_at timestamptz, last_seen timestamptz,
            updated_at timestamptz);
        CREATE TABLE sessions (id uuid PRIMARY KEY, identity_id integer UNIQUE REFERENCES identities (id),
            expires_at timestamptz, created_at timestamptz, id_token text, access_token text, refresh_token text);
        INSERT INTO identities (subject, name) VALUES ('someone', 'Someone');
        INSERT INTO sessions (id, identity_id) VALUES ('00000000-0000-0000-0000-000000000001', 1);",
    );
    format!(
        "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL,
            tstamp timestamp DEFAULT now());
        INSERT INTO goose_db_version (version_id, is_applied) SELECT v, true FROM generate_series(0, {version}) AS v;
        CREATE FUNCTION update_updated_at() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.updated_at = now(); RETURN NEW; END';
        CREATE TABLE remote_clusters (id serial PRIMARY KEY, name text NOT NULL UNIQUE, description text DEFAULT '',
            status text NOT NULL CHECK (status IN ('ACTIVE')), cluster_certificate text NOT NULL UNIQUE, {age}
            joined_at timestamp NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL DEFAULT now()
            {uuid});
        CREATE TABLE remote_cluster_tokens (id serial PRIMARY KEY, encoded_token text NOT NULL,
            expiry timestamptz NOT NULL, cluster_name text NOT NULL UNIQUE, description text,
            created_at timestamptz DEFAULT now());
        CREATE TABLE remote_cluster_details (id serial PRIMARY KEY,
            remote_cluster_id integer UNIQUE REFERENCES remote_clusters (id) ON DELETE CASCADE,
            ceph_count integer, instance_count integer, member_count integer,
            ceph_statuses jsonb DEFAULT '[]', instance_statuses jsonb DEFAULT '[]', member_statuses jsonb DEFAULT '[]',
            storage_pool_usages jsonb DEFAULT '[]', cpu_total_count bigint, memory_total_amount bigint,
            memory_usage bigint, cpu_load_1 text, cpu_load_5 text, cpu_load_15 text, {url} text, {tunnel}
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE remote_cluster_config (id serial PRIMARY KEY,
            remote_cluster_id integer REFERENCES remote_clusters (id) ON DELETE CASCADE, key text NOT NULL,
            value text NOT NULL, UNIQUE (remote_cluster_id, key));
        {people}"
    )
}

/// The certificates of the clusters in [`existing_database`].
struct Certificates {
    reporting: Certificate,
    silent: Certificate,
    joined_only: Certificate,
}

impl Certificates {
    fn new() -> Self {
        Self { reporting: certificate(), silent: certificate(), joined_only: certificate() }
    }
}

/// A database of the existing program at one of its versions: a cluster that reports, one without details, and one that
/// joined and never reported, with thresholds, a valid token and an expired one.
async fn existing_database(version: u8, certificates: &Certificates, valid_token: &str) -> DatabaseOptions {
    let options = empty_database().await.unwrap();
    let url = if version >= 5 { "lxd_url" } else { "ui_url" };
    let trigger = |table: &str| {
        format!(
            "CREATE TRIGGER {table}_updated_at_trigger BEFORE UPDATE ON {table}
             FOR EACH ROW EXECUTE FUNCTION update_updated_at();"
        )
    };
    let triggers = trigger("remote_clusters") + &trigger("remote_cluster_details");
    let uuids = match version {
        6 => "UPDATE remote_clusters SET cluster_uuid = 'uuid of ' || name WHERE name <> 'silent';",
        _ => "",
    };
    let [reporting, silent, joined_only] =
        [&certificates.reporting, &certificates.silent, &certificates.joined_only].map(Certificate::to_pem);
    let sql = format!(
        "{}
        INSERT INTO remote_clusters (name, description, status, cluster_certificate, joined_at, created_at) VALUES
            ('a/b \"x\"', 'in the cellar', 'ACTIVE', '{reporting}', '2026-01-02 03:04:05', '0001-01-01'),
            ('silent', NULL, 'ACTIVE', '{silent}', '2025-01-01', '0001-01-01'),
            ('joined-only', '', 'ACTIVE', '{joined_only}', '2025-03-04 05:06:07', '0001-01-01');
        INSERT INTO remote_cluster_details (remote_cluster_id, ceph_count, instance_count, member_count,
            instance_statuses, storage_pool_usages, cpu_total_count, memory_total_amount, memory_usage, cpu_load_1,
            cpu_load_5, cpu_load_15, {url}, created_at, updated_at)
        VALUES (1, 0, 3, 0, '[{{\"count\": 2, \"status\": \"Running\"}}, {{\"count\": 1, \"status\": \"Stopped\"}}]',
            '[{{\"name\": \"local\", \"member\": \"m1\", \"total\": 100, \"usage\": 50}}]', 0, 1024, 512, '0.42', '0.5',
            '1', 'https://10.0.0.1:8443', '2025-03-04 05:06:07+00', '2026-01-02 03:04:05+00');
        INSERT INTO remote_cluster_details (remote_cluster_id, created_at, updated_at)
            VALUES (3, '2025-03-04 05:06:07+00', '2025-03-04 05:06:07+00');
        INSERT INTO remote_cluster_config (remote_cluster_id, key, value)
            VALUES (1, 'disk_threshold', '70'), (1, 'memory_threshold', '65');
        INSERT INTO remote_cluster_tokens (encoded_token, expiry, cluster_name, description) VALUES
            ('{valid_token}', now() + interval '1 day', 'newcomer', 'by hand'),
            ('not a token', now() - interval '1 day', 'broken', NULL);
        {uuids}
        {triggers}",
        schema(version)
    );
    execute(&options, &sql).await.unwrap();
    options
}

fn valid_token(name: &str) -> JoinToken {
    JoinToken {
        secret: protocol::Secret::from_text("a secret of the existing program"),
        expires_at: OffsetDateTime::now_utc() + time::Duration::DAY,
        addresses: vec!["hub.example.com:30000".parse().unwrap()],
        server_name: name.to_owned(),
        fingerprint: protocol::Fingerprint::of_der(b"leaf"),
    }
}

async fn join_with(store: &Store, encoded: &str) {
    let newcomer = certificate();
    let token = protocol::join_token::PresentedToken::decode(encoded).unwrap();
    let presented = Some(newcomer.fingerprint);
    store
        .join_cluster(&request("newcomer", &newcomer), &JoinProof::Token(token), presented, &origin())
        .await
        .unwrap();
    assert_eq!(store.cluster("newcomer").await.unwrap().unwrap().description, "by hand");
}

async fn check_takeover_of(version: u8) {
    use secrecy::ExposeSecret as _;
    let certificates = Certificates::new();
    let reporting = &certificates.reporting;
    let encoded = valid_token("newcomer").encode();
    let options = existing_database(version, &certificates, encoded.expose_secret()).await;
    let store = store_over(&options);
    let taken_over = store.migrate().await.unwrap().taken_over.unwrap();
    assert_eq!((taken_over.version, taken_over.clusters, taken_over.tokens), (i64::from(version), 3, 1));

    let cluster = store.cluster("a/b \"x\"").await.unwrap().unwrap();
    assert_eq!(cluster.description, "in the cellar");
    assert_eq!((cluster.joined_at, cluster.created_at), (JOINED, JOINED));
    assert_eq!(cluster.liveness.last_heartbeat_at, Some(LAST_HEARTBEAT));
    assert_eq!(cluster.fingerprint, reporting.fingerprint);
    assert_eq!(cluster.certificate_validity.1, reporting.not_after);
    assert_eq!(cluster.thresholds.disk, Percent::new(70).unwrap());
    assert_eq!(cluster.thresholds.memory, Percent::new(65).unwrap());
    assert_eq!(cluster.details.instance_count(), 3);
    assert_eq!(cluster.details.instance_statuses[0].status, "Running");
    assert_eq!(cluster.details.storage_pool_usages[0].usage, 50);
    assert_eq!(cluster.details.ui_url, "https://10.0.0.1:8443");
    assert_eq!(cluster.details.cluster_uuid, if version == 6 { "uuid of a/b \"x\"" } else { "" });
    let never = store.cluster("silent").await.unwrap().unwrap();
    assert_eq!((never.description.as_str(), never.liveness.last_heartbeat_at), ("", None));
    assert_eq!(never.joined_at, datetime!(2025-01-01 00:00 UTC));
    let joined_only = store.cluster("joined-only").await.unwrap().unwrap();
    assert_eq!((joined_only.joined_at, joined_only.liveness.last_heartbeat_at), (JOINED, None));

    // The existing program was stopped before the takeover: the time since then does not count as silence.
    store::heartbeats::Presence::new(store.clone()).mark().await.unwrap();
    let clock = store.service_clock().await.unwrap();
    let health = cluster.health(&fleet::HealthRules::default(), &clock);
    assert_eq!(health.state, HealthState::Fresh);

    let found = store.enrolled_cluster_by_fingerprint(reporting.fingerprint).await.unwrap().unwrap();
    assert_eq!(found.uid, cluster.uid);
    join_with(&store, encoded.expose_secret()).await;

    let clear = "SELECT column_name FROM information_schema.columns
        WHERE column_name IN ('encoded_token', 'tunnel_manager_member_url', 'age')";
    assert!(texts(&options, clear).await.unwrap().is_empty(), "no token is stored in plain text");
}

#[tokio::test]
async fn version_1_is_taken_over() {
    check_takeover_of(1).await;
}

#[tokio::test]
async fn version_2_is_taken_over() {
    check_takeover_of(2).await;
}

#[tokio::test]
async fn version_3_is_taken_over() {
    check_takeover_of(3).await;
}

#[tokio::test]
async fn version_4_is_taken_over() {
    check_takeover_of(4).await;
}

#[tokio::test]
async fn version_5_is_taken_over() {
    check_takeover_of(5).await;
}

#[tokio::test]
async fn version_6_is_taken_over() {
    check_takeover_of(6).await;
}

#[tokio::test]
async fn long_names_of_people_fit_into_a_database_that_was_taken_over() {
    for version in 3..=6 {
        let options = existing_database(version, &Certificates::new(), "x").await;
        let store = store_over(&options);
        store.migrate().await.unwrap();
        let long = "n".repeat(300);
        let person = Person { subject: long.clone(), name: long.clone(), email: long.clone() };
        let lifetime = std::time::Duration::from_secs(60);
        store.begin_session(SessionId([1; 32]), &person, b"sealed", lifetime).await.unwrap();
    }
}

#[tokio::test]
async fn second_migration_changes_nothing() {
    let options = existing_database(4, &Certificates::new(), "not a token either").await;
    let store = store_over(&options);
    assert!(store.migrate().await.unwrap().taken_over.is_some());
    let before = store.clusters().await.unwrap().1;
    let again = store.migrate().await.unwrap();
    assert_eq!((again.taken_over, again.applied.len()), (None, 0));
    assert_eq!(store.clusters().await.unwrap().1, before);
}

#[tokio::test]
async fn unknown_version_is_left_unchanged() {
    let options = existing_database(4, &Certificates::new(), "x").await;
    execute(&options, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true)")
        .await
        .unwrap();
    let error = store_over(&options).migrate().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the schema of the existing program is at version 7; only versions 1 to 6 can be taken over"
    );
    let names = texts(&options, "SELECT encoded_token FROM remote_cluster_tokens ORDER BY id").await.unwrap();
    assert_eq!(names, ["x", "not a token"]);
}

/// Later migrations must find the same columns in a database that was taken over and in a new one.
#[tokio::test]
async fn taken_over_database_has_the_columns_of_a_new_one() {
    let new = empty_database().await.unwrap();
    store_over(&new).migrate().await.unwrap();
    let columns = "SELECT concat_ws(' ', table_name, column_name, data_type) FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'goose_db_version' ORDER BY table_name, column_name";
    let wanted = texts(&new, columns).await.unwrap();
    for version in 1..=6 {
        let old = existing_database(version, &Certificates::new(), "x").await;
        store_over(&old).migrate().await.unwrap();
        assert_eq!(texts(&old, columns).await.unwrap(), wanted, "version {version}");
    }
}

#[tokio::test]
async fn units_that_start_together_migrate_once() {
    let options = empty_database().await.unwrap();
    let units = (0..8).map(|_| {
        let store = store_over(&options);
        tokio::spawn(async move { store.migrate().await.unwrap().applied.len() })
    });
    let applied = futures_util::future::join_all(units.collect::<Vec<_>>()).await;
    let applied: Vec<_> = applied.into_iter().map(Result::unwrap).filter(|count| *count > 0).collect();
    assert_eq!(applied.len(), 1, "one unit applied all migrations: {applied:?}");
}
