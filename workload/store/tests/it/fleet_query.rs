//! The list of clusters: filters, sorting, pages, and health by the rules of the domain.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fleet::query::{ClusterFilter, ClusterQuery, Order, SortBy};
use fleet::report_summary::ReportSummary;
use fleet::{Cluster, HealthRules, HealthState, Percent, ServiceClock, WarningKind};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use store::Store;
use store::clusters::{ClusterPage, PageError};
use store::heartbeats::Presence;
use store::testing::{empty_database, execute, store, texts};
use time::Duration;

use crate::support::made::{Made, report, store_with, various};

const RULES: HealthRules = HealthRules { late_floor: Duration::minutes(2), lost_floor: Duration::minutes(5) };

fn query(sort: SortBy, order: Order) -> ClusterQuery {
    ClusterQuery { sort, order, ..ClusterQuery::default() }
}

/// All pages in order.
async fn pages(store: &Store, mut query: ClusterQuery) -> Vec<ClusterPage> {
    let mut pages: Vec<ClusterPage> = Vec::new();
    loop {
        let page = store.cluster_page(&query, &RULES).await.unwrap();
        query.cursor.clone_from(&page.next_cursor);
        pages.push(page);
        if query.cursor.is_none() {
            return pages;
        }
    }
}

fn names(pages: &[ClusterPage]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.clusters).map(|cluster| cluster.name.to_string()).collect()
}

async fn filtered(store: &Store, filter: ClusterFilter) -> Vec<String> {
    let query = ClusterQuery { filter: filter.clone(), limit: 500, ..query(SortBy::Name, Order::Asc) };
    let pages = pages(store, query).await;
    let names = names(&pages);
    assert_eq!(pages[0].total, names.len() as u64, "{filter:?}");
    let bulk = store.cluster_names_matching(&filter, &RULES, 100_000).await.unwrap();
    assert_eq!(bulk.iter().map(ToString::to_string).collect::<Vec<_>>(), names, "{filter:?}");
    names
}

/// Whether a cluster matches the filter, computed by the domain.
fn matches(cluster: &Cluster, filter: &ClusterFilter, clock: &ServiceClock) -> bool {
    let health = cluster.health(&RULES, clock);
    let warnings = cluster.warnings(&health, clock);
    let details = &cluster.details;
    let has_status = |counts: &[protocol::heartbeat::StatusCount], wanted: &[String]| {
        wanted.is_empty()
            || wanted.iter().any(|wanted| {
                counts
                    .iter()
                    .any(|entry| entry.count > 0 && entry.status.to_lowercase() == wanted.to_lowercase())
            })
    };
    let text = format!("{}\n{}", cluster.name, cluster.description).to_lowercase();
    filter.search.as_ref().is_none_or(|search| text.contains(&search.to_lowercase()))
        && (filter.health.is_empty() || filter.health.contains(&health.state))
        && (filter.warning.is_empty()
            || warnings.iter().any(|warning| filter.warning.contains(&warning.kind)))
        && has_status(&details.member_statuses, &filter.member_status)
        && has_status(&details.instance_statuses, &filter.instance_status)
        && filter.memory_above.is_none_or(|percent| {
            percent.is_exceeded_by(
                details.memory_usage.unsigned_abs(),
                details.memory_total_amount.unsigned_abs(),
            )
        })
        && filter.storage_above.is_none_or(|percent| {
            details.storage_pool_usages.iter().any(|pool| percent.is_exceeded_by(pool.usage, pool.total))
        })
}

/// The order of two clusters, computed by the domain, without the name that breaks ties.
fn compare(a: &Cluster, b: &Cluster, sort: SortBy, clock: &ServiceClock) -> Ordering {
    let summary = |cluster: &Cluster| ReportSummary::of(&cluster.details);
    let health = |cluster: &Cluster| cluster.health(&RULES, clock);
    let severities = |cluster: &Cluster| -> Vec<fleet::Severity> {
        let warnings = cluster.warnings(&health(cluster), clock);
        warnings.into_iter().map(|warning| warning.severity).collect()
    };
    let criticals =
        |cluster: &Cluster| severities(cluster).iter().filter(|s| **s == fleet::Severity::Critical).count();
    match sort {
        SortBy::Name => a.name.cmp(&b.name),
        SortBy::Description => a.description.cmp(&b.description),
        SortBy::Health => {
            let key = |cluster| (health(cluster).state, severities(cluster).into_iter().max());
            key(a).cmp(&key(b))
        }
        SortBy::LastHeartbeat => a.liveness.last_heartbeat_at.cmp(&b.liveness.last_heartbeat_at),
        SortBy::Members => a.details.member_count().cmp(&b.details.member_count()),
        SortBy::Instances => summary(a).instances[0].cmp(&summary(b).instances[0]),
        SortBy::Cpu => summary(a).cpu_load.total_cmp(&summary(b).cpu_load),
        SortBy::Memory => summary(a).memory_share.cmp(&summary(b).memory_share),
        SortBy::Storage => summary(a).storage_share.cmp(&summary(b).storage_share),
        SortBy::Warnings => (criticals(a), severities(a).len()).cmp(&(criticals(b), severities(b).len())),
        SortBy::JoinedAt => a.joined_at.cmp(&b.joined_at),
    }
}

fn percent(number: i64) -> Percent {
    Percent::new(number).unwrap()
}

#[tokio::test]
async fn list_is_judged_by_the_rules_of_the_domain() {
    let mut random = StdRng::seed_from_u64(1);
    let mut made = Vec::new();
    for number in 0..4000 {
        let gaps: Vec<i64> = (0..random.random_range(0..=8))
            .map(|_| match random.random_range(0..4) {
                0 => 60_000_000,
                1 => random.random_range(0..400_000_000),
                2 => 60_000_001 + random.random_range(0..3),
                _ => random.random_range(0..100_000_000_000),
            })
            .collect();
        let mut sorted = gaps.clone();
        sorted.sort_unstable();
        let twice_median = match sorted.len() {
            0 => 0,
            odd if odd % 2 == 1 => sorted[odd / 2] * 2,
            even => sorted[even / 2] + sorted[even / 2 - 1],
        };
        // At the limits, and one or two microseconds off.
        let limits = [twice_median, twice_median * 5 / 2, 120_000_000, 300_000_000];
        let silence = match random.random_range(0..3) {
            0 => random.random_range(-1_000_000..1_000_000_000_000),
            _ => limits[random.random_range(0..limits.len())] + random.random_range(-2..=2),
        };
        made.push(Made {
            silence,
            gaps,
            has_reported: number % 7 > 0,
            ..Made::named(&format!("{number:05}"))
        });
    }
    let store = store_with(&made).await;
    let slower = HealthRules { late_floor: Duration::minutes(7), lost_floor: Duration::minutes(3) };
    let (clock, clusters) = store.clusters().await.unwrap();
    assert!(clock.is_outage());
    for rules in [RULES, slower] {
        for state in HealthState::ALL {
            let filter = ClusterFilter { health: vec![state], ..ClusterFilter::default() };
            let found = store.cluster_names_matching(&filter, &rules, 10_000).await.unwrap();
            let expected: Vec<_> = clusters
                .iter()
                .filter(|cluster| cluster.health(&rules, &clock).state == state)
                .map(|cluster| cluster.name.clone())
                .collect();
            assert!(expected.len() > 100);
            assert_eq!(found, expected, "{state:?}");
        }
        let (_, totals) = store.fleet_totals(&rules).await.unwrap();
        for (state, count) in totals.health {
            let expected = clusters.iter().filter(|c| c.health(&rules, &clock).state == state).count();
            assert_eq!(count, expected as u64, "{state:?}");
        }
    }
}

#[tokio::test]
async fn list_is_judged_by_the_rules_of_the_domain_while_the_clock_runs() {
    let mut random = StdRng::seed_from_u64(2);
    let silences = (0..1000).map(|_| random.random_range(-5_000_000..700_000_000));
    let made: Vec<_> = silences
        .enumerate()
        .map(|(number, silence)| Made { silence, ..Made::named(&format!("{number:05}")) })
        .collect();
    let store = store_with(&made).await;
    // The outage ends: it is added to the outages, and the clock runs again.
    Presence::new(store.clone()).mark().await.unwrap();
    for state in HealthState::ALL {
        let filter = ClusterFilter { health: vec![state], ..ClusterFilter::default() };
        for page in pages(&store, ClusterQuery { filter, limit: 100, ..ClusterQuery::default() }).await {
            assert!(!page.clock.is_outage());
            for cluster in page.clusters {
                assert_eq!(cluster.health(&RULES, &page.clock).state, state);
            }
        }
    }
}

#[tokio::test]
async fn each_filter_matches_as_in_the_domain() {
    let store = store_with(&various(&mut StdRng::seed_from_u64(3), 300)).await;
    let (clock, clusters) = store.clusters().await.unwrap();
    let none = ClusterFilter::default;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut filters = vec![none()];
    for search in ["ZÜR", "%", "_", "a%b", "<IMG>", "🦀", "KELLER äö", "a/b", "'", "\\", "b-1", "same"] {
        filters.push(ClusterFilter { search: Some(search.to_owned()), ..none() });
    }
    for state in HealthState::ALL {
        filters.push(ClusterFilter { health: vec![state], ..none() });
    }
    filters.push(ClusterFilter { health: vec![HealthState::Late, HealthState::Lost], ..none() });
    for kind in WarningKind::ALL {
        filters.push(ClusterFilter { warning: vec![kind], ..none() });
    }
    filters.push(ClusterFilter { warning: vec![WarningKind::Storage, WarningKind::Certificate], ..none() });
    for status in ["offline", "ONLINE", "Blocked", "ärger", "ÄRGER", "rest'less"] {
        filters.push(ClusterFilter { member_status: words(&[status]), ..none() });
    }
    filters.push(ClusterFilter { member_status: words(&["offline", "ÄRGER"]), ..none() });
    for status in ["running", "Error", "THAWING"] {
        filters.push(ClusterFilter { instance_status: words(&[status]), ..none() });
    }
    for number in [0, 39, 40, 79, 80, 81, 95] {
        filters.push(ClusterFilter { memory_above: Some(percent(number)), ..none() });
        filters.push(ClusterFilter { storage_above: Some(percent(number)), ..none() });
    }
    filters.push(ClusterFilter {
        search: Some("same".to_owned()),
        health: vec![HealthState::Fresh, HealthState::Late],
        warning: vec![WarningKind::Storage, WarningKind::Heartbeat],
        member_status: words(&["online"]),
        instance_status: words(&["running", "stopped"]),
        memory_above: Some(percent(30)),
        storage_above: Some(percent(30)),
    });
    for filter in filters {
        let expected: Vec<_> = clusters
            .iter()
            .filter(|cluster| matches(cluster, &filter, &clock))
            .map(|cluster| cluster.name.to_string())
            .collect();
        assert!(!expected.is_empty(), "{filter:?} matches nothing and so proves nothing");
        assert_eq!(filtered(&store, filter.clone()).await, expected, "{filter:?}");
    }
    let nothing = ClusterFilter { member_status: words(&["gone"]), ..none() };
    assert!(filtered(&store, nothing).await.is_empty());
}

#[tokio::test]
async fn each_sort_is_stable_and_its_pages_contain_each_cluster_once() {
    let store = store_with(&various(&mut StdRng::seed_from_u64(4), 120)).await;
    let (clock, clusters) = store.clusters().await.unwrap();
    for sort in SortBy::ALL {
        for order in [Order::Asc, Order::Desc] {
            let mut expected = clusters.clone();
            expected.sort_by(|a, b| {
                let by_key = compare(a, b, sort, &clock);
                let by_key = if order == Order::Asc { by_key } else { by_key.reverse() };
                by_key.then_with(|| a.name.cmp(&b.name))
            });
            let expected: Vec<_> = expected.iter().map(|cluster| cluster.name.to_string()).collect();
            for limit in [7, 120, 500] {
                let pages = pages(&store, ClusterQuery { limit, ..query(sort, order) }).await;
                assert_eq!(names(&pages), expected, "{sort:?} {order:?} {limit}");
                assert!(pages.iter().all(|page| page.total == 120));
                assert_eq!(pages.len(), 120usize.div_ceil(usize::from(limit)));
            }
        }
    }
}

#[tokio::test]
async fn changes_elsewhere_do_not_shift_the_next_page() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let sql: String = (0..20).map(|n| Made::named(&format!("n{n:02}")).joined(n)).collect();
    execute(&options, &sql).await.unwrap();
    let first = ClusterQuery { limit: 10, ..query(SortBy::Name, Order::Asc) };
    let page = store.cluster_page(&first, &RULES).await.unwrap();
    execute(&options, "DELETE FROM remote_clusters WHERE name IN ('n03', 'n09', 'n15')").await.unwrap();
    execute(&options, &Made::named("n00 is new").joined(100)).await.unwrap();
    let rest = store.cluster_page(&ClusterQuery { cursor: page.next_cursor, ..first }, &RULES).await.unwrap();
    let expected: Vec<_> = (10..20).filter(|n| *n != 15).map(|n| format!("n{n:02}")).collect();
    assert_eq!(names(&[rest]), expected);
}

#[tokio::test]
async fn cursor_is_valid_only_for_its_own_list() {
    let store = store_with(&various(&mut StdRng::seed_from_u64(5), 20)).await;
    let first = ClusterQuery { limit: 5, ..query(SortBy::Memory, Order::Desc) };
    let cursor = store.cluster_page(&first, &RULES).await.unwrap().next_cursor.unwrap();
    let with = |cursor: &str| ClusterQuery { cursor: Some(cursor.to_owned()), ..first.clone() };
    assert!(store.cluster_page(&with(&cursor), &RULES).await.is_ok());
    let other_size = ClusterQuery { limit: 3, ..with(&cursor) };
    assert!(store.cluster_page(&other_size, &RULES).await.is_ok());
    let mut wrong =
        vec![with(""), with("AAAA"), with("é"), with(&cursor[1..]), with(&cursor[..cursor.len() - 1])];
    wrong.extend((0..cursor.len()).map(|at| {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        with(&String::from_utf8(bytes).unwrap())
    }));
    wrong.push(ClusterQuery { sort: SortBy::Storage, ..with(&cursor) });
    wrong.push(ClusterQuery { order: Order::Asc, ..with(&cursor) });
    let filter = ClusterFilter { search: Some("x".to_owned()), ..ClusterFilter::default() };
    wrong.push(ClusterQuery { filter, ..with(&cursor) });
    for query in wrong {
        let outcome = store.cluster_page(&query, &RULES).await;
        assert!(matches!(outcome, Err(PageError::InvalidCursor)), "{query:?}");
    }
}

#[tokio::test]
async fn empty_fleet_is_an_empty_page() {
    let store = store_with(&[]).await;
    let page = store.cluster_page(&ClusterQuery::default(), &RULES).await.unwrap();
    assert_eq!((page.clusters.len(), page.total, page.next_cursor), (0, 0, None));
    let (_, totals) = store.fleet_totals(&RULES).await.unwrap();
    assert_eq!((totals.clusters, totals.memory_total, totals.storage_total), (0, 0, 0));
    assert!(totals.warnings.is_empty());
}

#[tokio::test]
async fn clusters_after_returns_the_list_in_parts_in_the_order_of_names() {
    let store = store_with(&various(&mut StdRng::seed_from_u64(6), 50)).await;
    let (_, clusters) = store.clusters().await.unwrap();
    let mut found: Vec<Cluster> = Vec::new();
    loop {
        let after = found.last().map(|cluster| cluster.name.to_string()).unwrap_or_default();
        let part = store.clusters_after(&after, 7).await.unwrap();
        if part.clusters.is_empty() {
            break;
        }
        assert!(!part.is_cut);
        found.extend(part.clusters);
    }
    assert_eq!(found, clusters);
}

/// The migration summarizes the reports that were stored before it.
#[tokio::test]
async fn reports_from_before_the_migration_are_summarized_like_later_ones() {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let made = various(&mut StdRng::seed_from_u64(8), 100);
    let joined: String = made.iter().enumerate().map(|(number, made)| made.joined(number)).collect();
    execute(&options, &joined).await.unwrap();
    report(&store, &made).await;
    let odd =
        "UPDATE remote_cluster_details SET storage_pool_usages = '{}', member_statuses = '[1, null, {}]',
        instance_statuses = '[{\"status\": 5, \"count\": \"2\"}, {\"count\": 3}]', cpu_load_1 = 'a lot',
        member_count = 1, instance_count = 3";
    execute(&options, &format!("{odd} WHERE remote_cluster_id = 99")).await.unwrap();
    let rows = "SELECT (to_jsonb(l) - 'cpu_load')::text || round(cpu_load::numeric, 9) FROM remote_cluster_liveness AS l
        WHERE remote_cluster_id < 99 ORDER BY remote_cluster_id";
    let written = texts(&options, rows).await.unwrap();
    let migration = include_str!("../../migrations/0005_fleet_query.sql");
    let (_, backfill) = migration.split_once("-- What was reported so far.").unwrap();
    let columns = migration.lines().filter_map(|line| line.trim().strip_prefix("ADD COLUMN "));
    let columns =
        columns.map(|column| column.split(' ').next().unwrap()).filter(|name| *name != "search_text");
    let reset: Vec<String> = columns.map(|name| format!("{name} = DEFAULT")).collect();
    assert_eq!(reset.len(), 20);
    let sql = format!("UPDATE remote_cluster_liveness SET {}", reset.join(", "));
    execute(&options, &sql).await.unwrap();
    assert_ne!(texts(&options, rows).await.unwrap(), written);
    execute(&options, &format!("--{backfill}")).await.unwrap();
    for (before, after) in written.iter().zip(texts(&options, rows).await.unwrap()) {
        assert_eq!(*before, after);
    }
}

#[tokio::test]
async fn totals_are_the_sums_over_all_clusters() {
    let store = store_with(&various(&mut StdRng::seed_from_u64(7), 200)).await;
    let (_, totals) = store.fleet_totals(&RULES).await.unwrap();
    let (clock, clusters) = store.clusters().await.unwrap();
    assert_eq!(totals.clusters, 200);
    assert_eq!(totals.health.iter().map(|(_, count)| count).sum::<u64>(), 200);
    let sum = |number: &dyn Fn(&Cluster) -> i64| clusters.iter().map(number).sum::<i64>().unsigned_abs();
    assert_eq!(totals.memory_total, sum(&|c| c.details.memory_total_amount));
    assert_eq!(totals.memory_usage, sum(&|c| c.details.memory_usage));
    assert_eq!(totals.storage_total, sum(&|c| ReportSummary::of(&c.details).storage_total));
    assert_eq!(totals.storage_usage, sum(&|c| ReportSummary::of(&c.details).storage_usage));
    let members: u64 = totals.members.iter().map(|(_, count)| count).sum();
    assert_eq!(members, sum(&|c| c.details.member_count().into()));
    let instances: u64 = totals.instances.iter().map(|(_, count)| count).sum();
    assert_eq!(instances, sum(&|c| c.details.instance_count().into()));
    let words: Vec<&str> = totals.members.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["Online", "Offline", "Evacuated", "Blocked", "rest'less", "ärger"]);
    let mut expected = std::collections::BTreeMap::new();
    for cluster in &clusters {
        let warnings = cluster.warnings(&cluster.health(&RULES, &clock), &clock);
        let distinct: BTreeSet<_> = warnings.iter().map(|warning| (warning.kind, warning.severity)).collect();
        for key in distinct {
            *expected.entry(key).or_insert(0) += 1;
        }
    }
    let found = totals.warnings.into_iter().map(|(kind, severity, count)| ((kind, severity), count));
    assert_eq!(found.collect::<std::collections::BTreeMap<_, u64>>(), expected);
}
