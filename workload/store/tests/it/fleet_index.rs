//! The fleet in memory always equals the database, no matter who changed it.

use fleet::query::{ClusterFilter, ClusterQuery, Order, SortBy};
use fleet::{HealthRules, WarningKind};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::ExposeSecret as _;
use store::clusters::ClusterPage;
use store::testing::{empty_database, execute, store, texts};
use store::{DatabaseOptions, Store};

/// Two units with one database of this many clusters, which both have already read.
async fn two_units(clusters: usize) -> (DatabaseOptions, Store, Store) {
    let options = empty_database().await.unwrap();
    let units = (store(&options), store(&options));
    units.0.migrate().await.unwrap();
    execute(&options, &(0..clusters).map(joined).collect::<Vec<_>>().join(";")).await.unwrap();
    assert_eq!(names(&units.0).await.len(), clusters);
    assert_eq!(names(&units.1).await.len(), clusters);
    (options, units.0, units.1)
}

fn joined(number: usize) -> String {
    format!(
        "BEGIN; INSERT INTO remote_clusters (id, uid, name, description, cluster_certificate, certificate_fingerprint,
            certificate_not_before, certificate_not_after, joined_at)
        VALUES ({number}, gen_random_uuid(), 'n{number:03}', '', 'pem', sha256('{number}'), now(),
            now() + interval '1000 days', now());
        INSERT INTO remote_cluster_details (remote_cluster_id) VALUES ({number});
        INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at) VALUES ({number}, now()); COMMIT"
    )
}

async fn page(store: &Store, query: &ClusterQuery) -> ClusterPage {
    store.cluster_page(query, &HealthRules::default()).await.unwrap()
}

async fn names(store: &Store) -> Vec<String> {
    matching(store, ClusterFilter::default()).await
}

async fn matching(store: &Store, filter: ClusterFilter) -> Vec<String> {
    let found = store.cluster_names_matching(&filter, &HealthRules::default(), 1000).await.unwrap();
    found.iter().map(ToString::to_string).collect()
}

fn searching(text: &str) -> ClusterFilter {
    ClusterFilter { search: Some(text.to_owned()), ..ClusterFilter::default() }
}

#[tokio::test]
async fn changes_by_other_units_are_in_the_next_result() {
    let (options, one, other) = two_units(3).await;
    execute(&options, "UPDATE remote_clusters SET description = 'cellar' WHERE name = 'n001'").await.unwrap();
    assert_eq!(matching(&one, searching("CELLAR")).await, ["n001"]);
    execute(&options, &joined(7)).await.unwrap();
    assert_eq!(names(&one).await, ["n000", "n001", "n002", "n007"]);
    execute(&options, "DELETE FROM remote_clusters WHERE name = 'n001'").await.unwrap();
    assert_eq!(names(&one).await, ["n000", "n002", "n007"]);
    assert!(matching(&one, searching("cellar")).await.is_empty());
    // One cluster is removed and one is added between two queries: their number stays the same.
    execute(&options, &format!("DELETE FROM remote_clusters WHERE name = 'n002'; {}", joined(8)))
        .await
        .unwrap();
    for unit in [&one, &other] {
        assert_eq!(names(unit).await, ["n000", "n007", "n008"]);
    }
}

#[tokio::test]
async fn warning_that_changes_kind_is_found_by_its_new_kind() {
    let (options, unit, _) = two_units(2).await;
    let of = |kind| ClusterFilter { warning: vec![kind], ..ClusterFilter::default() };
    let warned = |kind: &str| {
        format!(
            "BEGIN; UPDATE remote_cluster_liveness SET warning_count = 1 WHERE remote_cluster_id = 1;
            DELETE FROM remote_cluster_warnings;
            INSERT INTO remote_cluster_warnings (remote_cluster_id, kind, subject, severity, text)
            VALUES (1, '{kind}', '', 'warning', ''); COMMIT"
        )
    };
    execute(&options, &warned("storage")).await.unwrap();
    assert_eq!(matching(&unit, of(WarningKind::Storage)).await, ["n001"]);
    execute(&options, &warned("memory")).await.unwrap();
    assert!(matching(&unit, of(WarningKind::Storage)).await.is_empty());
    assert_eq!(matching(&unit, of(WarningKind::Memory)).await, ["n001"]);
    // A kind that a newer program added does not hide the cluster.
    execute(&options, &warned("a future kind")).await.unwrap();
    assert_eq!(names(&unit).await, ["n000", "n001"]);
}

#[tokio::test]
async fn transaction_that_commits_after_later_ones_is_not_missed() {
    let (options, unit, _) = two_units(4).await;
    let mut config = tokio_postgres::Config::new();
    config
        .host(&options.servers[0].host)
        .port(options.servers[0].port)
        .user(&options.user)
        .dbname(&options.name);
    config.password(options.password.expose_secret());
    let (mut slow, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let transaction = slow.transaction().await.unwrap();
    transaction
        .batch_execute(
            "UPDATE remote_cluster_liveness SET memory_share = 5000 WHERE remote_cluster_id = 1;
            SAVEPOINT inner_one;
            UPDATE remote_clusters SET description = 'slow' WHERE id = 2; RELEASE inner_one",
        )
        .await
        .unwrap();
    // Later transactions commit and are read before this one ends.
    for number in 10..20 {
        execute(&options, &joined(number)).await.unwrap();
        assert!(names(&unit).await.contains(&format!("n{number:03}")));
    }
    assert!(matching(&unit, searching("slow")).await.is_empty());
    transaction.commit().await.unwrap();
    assert_eq!(matching(&unit, searching("slow")).await, ["n002"]);
    let by_memory =
        ClusterQuery { sort: SortBy::Memory, order: Order::Desc, limit: 1, ..ClusterQuery::default() };
    assert_eq!(page(&unit, &by_memory).await.clusters[0].name.as_str(), "n001");
    drop(slow);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn index_equals_the_database_after_random_changes() {
    let (options, one, other) = two_units(30).await;
    let mut random = StdRng::seed_from_u64(9);
    for step in 0..60 {
        let id = random.random_range(0..60);
        let sql = match random.random_range(0..6) {
            0 => format!("DELETE FROM remote_clusters WHERE id = {id}"),
            1 => format!("DELETE FROM remote_clusters WHERE id = {id}; {}", joined(id)),
            2 => format!("UPDATE remote_clusters SET description = 'step {step}' WHERE id % 7 = {id} % 7"),
            3 => format!("BEGIN; UPDATE remote_cluster_liveness SET cpu_load = {step}; ROLLBACK"),
            4 => "VACUUM FREEZE remote_cluster_liveness".to_owned(),
            _ => {
                format!("UPDATE remote_cluster_liveness SET cpu_load = {step} WHERE remote_cluster_id > {id}")
            }
        };
        execute(&options, &sql).await.unwrap();
        let unit = if random.random_range(0..3) == 0 { &other } else { &one };
        let query =
            ClusterQuery { sort: SortBy::Cpu, order: Order::Asc, limit: 500, ..ClusterQuery::default() };
        let kept = page(unit, &query).await;
        let kept: Vec<_> =
            kept.clusters.iter().map(|cluster| format!("{}{}", cluster.name, cluster.description)).collect();
        let sorted =
            "SELECT name || description FROM remote_clusters AS c JOIN remote_cluster_liveness ON remote_cluster_id = c.id
            ORDER BY cpu_load, name COLLATE \"C\"";
        assert_eq!(kept, texts(&options, sorted).await.unwrap(), "after {sql}");
    }
}

#[tokio::test]
async fn concurrent_queries_return_the_same() {
    let (options, unit, _) = two_units(20).await;
    execute(&options, "DELETE FROM remote_clusters WHERE id = 3").await.unwrap();
    let query = ClusterQuery::default();
    let pages = join_all((0..12).map(|_| page(&unit, &query))).await;
    assert!(pages.iter().all(|page| page.total == 19 && page.clusters.len() == 19));
}

#[tokio::test]
async fn restored_database_is_read_completely() {
    let (options, unit, _) = two_units(3).await;
    // A restored dump: other rows and other transaction numbers, and all connections are broken.
    let (admin, name) = (DatabaseOptions { name: "postgres".to_owned(), ..options.clone() }, &options.name);
    let away = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
        SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}';
        ALTER DATABASE {name} RENAME TO {name}_away; CREATE DATABASE {name}"
    );
    for statement in away.split(';') {
        execute(&admin, statement).await.unwrap();
    }
    let restored = store(&options);
    restored.migrate().await.unwrap();
    execute(&options, &joined(5)).await.unwrap();
    execute(&options, &joined(6)).await.unwrap();
    execute(&options, &joined(7)).await.unwrap();
    // A broken connection is noticed when it is used.
    let query = ClusterQuery::default();
    let mut outcome = unit.cluster_page(&query, &HealthRules::default()).await;
    for _ in 0..20 {
        if outcome.is_ok() {
            break;
        }
        outcome = unit.cluster_page(&query, &HealthRules::default()).await;
    }
    let found: Vec<_> = outcome.unwrap().clusters.iter().map(|cluster| cluster.name.to_string()).collect();
    assert_eq!(found, ["n005", "n006", "n007"]);
}
