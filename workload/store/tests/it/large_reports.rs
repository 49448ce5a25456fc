//! Clusters with large reports: the list stays within bounds, and older reports are cut to the limits.

use fleet::HealthRules;
use fleet::query::{ClusterQuery, Order, SortBy};
use store::testing::{empty_database, execute, store, texts};

use crate::support::made::{Made, store_with};

#[tokio::test]
async fn pages_and_parts_with_large_reports_are_shorter_and_miss_nothing() {
    let pool = format!(r#"{{"name":"{}"}}"#, "n".repeat(200));
    let large = format!(r#"{{"storage_pool_usages":[{}]}}"#, vec![pool; 2300].join(","));
    let made: Vec<Made> = (0..30)
        .map(|number| Made {
            report: if number % 2 == 0 { large.clone() } else { r#"{"memory_usage":1}"#.to_owned() },
            ..Made::named(&format!("n{number:02}"))
        })
        .collect();
    let store = store_with(&made).await;
    let expected: Vec<_> = made.iter().map(|made| made.name.clone()).collect();
    let mut query =
        ClusterQuery { limit: 20, sort: SortBy::Name, order: Order::Asc, ..ClusterQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page = store.cluster_page(&query, &HealthRules::default()).await.unwrap();
        query.cursor.clone_from(&page.next_cursor);
        assert_eq!(page.total, 30);
        pages.push(page.clusters);
        if query.cursor.is_none() {
            break;
        }
    }
    let names: Vec<_> = pages.iter().flatten().map(|cluster| cluster.name.to_string()).collect();
    assert_eq!(names, expected);
    let mut after = String::new();
    let mut found = Vec::new();
    loop {
        let part = store.clusters_after(&after, 20).await.unwrap();
        let Some(last) = part.clusters.last() else { break };
        after = last.name.to_string();
        assert!(part.is_cut || found.len() + part.clusters.len() == 30);
        found.extend(part.clusters.iter().map(|cluster| cluster.name.to_string()));
    }
    assert_eq!(found, expected);
    for page in &pages {
        let pools: usize = page.iter().map(|cluster| cluster.details.storage_pool_usages.len()).sum();
        assert!(pools * 250 < 5_000_000, "{pools} pools in one page");
    }
}

#[tokio::test]
async fn reports_beyond_the_limits_from_an_older_program_are_cut() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    execute(&options, &Made::named("a").joined(1)).await.unwrap();
    let sql = "UPDATE remote_cluster_details SET storage_pool_usages =
        (SELECT jsonb_agg(jsonb_build_object('name', n::text, 'member', '', 'total', 1, 'usage', 0))
         FROM generate_series(1, 20000) AS n)";
    execute(&options, sql).await.unwrap();
    let cluster = store.cluster("a").await.unwrap().unwrap();
    assert_eq!(cluster.details.storage_pool_usages.len(), 4096);
    // As if the program before had stored it: the migration is run again.
    let sql = "DELETE FROM schema_migrations WHERE version = 12";
    execute(&options, sql).await.unwrap();
    store.migrate().await.unwrap();
    let size = "SELECT jsonb_array_length(storage_pool_usages)::text FROM remote_cluster_details";
    assert_eq!(texts(&options, size).await.unwrap(), ["0"]);
}
