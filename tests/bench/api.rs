//! `make bench`: the cost of the API's responses for ten thousand clusters inside the hub: from the parsed request to the
//! last byte of the response, compressed as for browsers. Heartbeats continue meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleet::{ClusterId, Role};
use harness::populated;
use harness::programs::source_tree;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use management::testing::Client;
use management::{Management, Options};
use serde::Serialize;
use store::database::{Durability, LocalPostgres, create_database};
use store::heartbeats::Presence;
use store::testing::execute;
use store::{DatabaseOptions, HeartbeatWriter, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The promises for two cores.
const MAX_PAGE_MS: f64 = 10.0;
const MAX_LIST_MS: f64 = 1000.0;
const MAX_TOTALS_MS: f64 = 10.0;

const SORTS: [&str; 11] = [
    "name",
    "description",
    "health",
    "last_heartbeat",
    "members",
    "instances",
    "cpu",
    "memory",
    "storage",
    "warnings",
    "joined_at",
];
const FILTERS: [&str; 10] = [
    "",
    "search=rack+7",
    "search=lisbon-00",
    "health=late,lost",
    "health=fresh",
    "warning=storage,certificate",
    "warning=heartbeat",
    "member-status=offline,evacuated",
    "instance-status=error&memory-above=50",
    "storage-above=80",
];

/// `target/bench/api.json`.
#[derive(Debug, Serialize)]
struct Figures {
    clusters: usize,
    page_p99_ms: f64,
    list_ms: f64,
    totals_p99_ms: f64,
    details: DetailedFigures,
}

#[derive(Debug, Serialize)]
struct DetailedFigures {
    /// By order and filter.
    pages: BTreeMap<String, BTreeMap<String, Times>>,
    /// For any order with any filter.
    all_pages: Times,
    first_page_ms: f64,
    next_pages: Times,
    pages_while_lists_are_sent: Times,
    pages_of_a_silent_fleet: Times,
    not_modified: Times,
    totals: Times,
    totals_of_a_silent_fleet: Times,
    page_bytes: usize,
    page_bytes_brotli: usize,
    list_bytes: usize,
    list_bytes_brotli: usize,
    list_first_byte_ms: f64,
    list_brotli_ms: f64,
    rss_mb_before_lists: f64,
    rss_mb_after_lists: f64,
    beats_per_second: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[allow(clippy::struct_field_names, reason = "the unit is part of what the JSON says")]
struct Times {
    p50_ms: f64,
    p99_ms: f64,
    /// CPU time of this process and its PostgreSQL for each request, including heartbeats: comparable even if the
    /// machine has other work.
    cpu_ms: f64,
}

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (clusters, times) = if quick { (10_000, 10) } else { (10_000, 300) };
    let folder = store::testing::scratch_folder("bench-api");
    let postgres = LocalPostgres::start(&folder, None, Durability::Full).unwrap();
    create_database(&postgres.options("postgres"), "api").await.unwrap();
    let database = postgres.options("api");
    let store = store::testing::store(&database);
    store.migrate().await.unwrap();
    let presence = Arc::new(Presence::new(store.clone()));
    let stop = CancellationToken::new();
    let (marking, told) = (presence.clone(), stop.clone());
    tokio::spawn(async move { marking.run(told).await });
    eprintln!("making {clusters} clusters …");
    populated::fill(&store, &database, clusters).await;
    certify(&database).await;
    silence(&database, "remote_cluster_id % 20 = 0", "remote_cluster_id % 50 = 0").await;
    execute(&database, "VACUUM ANALYZE").await.unwrap();

    let rate = clusters as f64 / 60.0;
    let beating = populated::reporting(&database).await.into_iter().filter(|id| id.0 % 20 != 0).collect();
    let writer = HeartbeatWriter::start(store.clone(), presence);
    let beating = tokio::spawn(beat(writer, beating, rate, stop.clone()));
    let api = caller(&store).await;
    let details = measure(&api, &database, times, rate).await;
    let list_ms = details.1;
    let figures = Figures {
        clusters,
        page_p99_ms: details.0.all_pages.p99_ms,
        list_ms,
        totals_p99_ms: details.0.totals.p99_ms,
        details: details.0,
    };
    stop.cancel();
    beating.await.unwrap();
    print_table(&figures);
    write(&figures);
    drop(postgres);
    let _ = std::fs::remove_dir_all(folder);
}

/// The API for a viewer: a service account, whose token is checked with every request.
async fn caller(store: &Store) -> Client {
    Client::with_role(&Management::new(store.clone(), Options::for_tests()), Role::Viewer).await.unwrap()
}

async fn measure(
    api: &Client,
    database: &DatabaseOptions,
    times: usize,
    rate: f64,
) -> (DetailedFigures, f64) {
    let first_page_ms = ask(api, &page("sort=health"), "br").await.whole_ms;
    // Opens connections and prepares statements, which PostgreSQL plans once and for all at their sixth run.
    repeat(api, &page("sort=health"), "br", 50).await;
    let mut pages: BTreeMap<String, BTreeMap<String, Times>> = BTreeMap::new();
    let (mut all, mut all_cpu_ms) = (Vec::new(), 0.0);
    for sort in SORTS {
        eprintln!("pages by {sort} …");
        for filter in FILTERS {
            let path = page(&format!("sort={sort}&{filter}"));
            let (taken, cpu_ms) = samples(api, &path, "br", times).await;
            all.extend_from_slice(&taken);
            all_cpu_ms += cpu_ms;
            pages.entry(sort.to_owned()).or_default().insert(filter.to_owned(), of(taken, cpu_ms));
        }
    }
    let all_pages = of(all, all_cpu_ms);
    let cursor =
        json(api, &page("sort=memory")).await["metadata"]["next_cursor"].as_str().unwrap().to_owned();
    let next_pages = repeat(api, &page(&format!("sort=memory&cursor={cursor}")), "br", times).await;
    let not_modified = repeat_unchanged(api, &page("sort=name&search=nothing"), times).await;
    let totals = repeat(api, "/1.0/fleet", "br", times).await;
    let (page_bytes, page_bytes_brotli) = (
        ask(api, &page("sort=health"), "identity").await.bytes,
        ask(api, &page("sort=health"), "br").await.bytes,
    );
    eprintln!("the whole list …");
    let rss_mb_before_lists = rss_mb();
    let mut lists: Vec<Asked> = Vec::new();
    for _ in 0..5 {
        lists.push(ask(api, "/1.0/remote-cluster", "identity").await);
    }
    let compressed = ask(api, "/1.0/remote-cluster", "br").await;
    let rss_mb_after_lists = rss_mb();
    lists.sort_by(|a, b| a.whole_ms.total_cmp(&b.whole_ms));
    let list = &lists[lists.len() / 2];
    let reading = tokio::spawn({
        let api = api.clone();
        async move {
            loop {
                ask(&api, "/1.0/remote-cluster", "identity").await;
            }
        }
    });
    let pages_while_lists_are_sent = repeat(api, &page("sort=health"), "br", times).await;
    reading.abort();
    eprintln!("a fleet that fell silent …");
    silence(database, "true", "remote_cluster_id % 2 = 0").await;
    let pages_of_a_silent_fleet = repeat(api, &page("sort=health"), "br", times).await;
    let totals_of_a_silent_fleet = repeat(api, "/1.0/fleet", "br", times).await;
    let figures = DetailedFigures {
        pages,
        all_pages,
        first_page_ms,
        next_pages,
        pages_while_lists_are_sent,
        pages_of_a_silent_fleet,
        not_modified,
        totals,
        totals_of_a_silent_fleet,
        page_bytes,
        page_bytes_brotli,
        list_bytes: list.bytes,
        list_bytes_brotli: compressed.bytes,
        list_first_byte_ms: list.first_byte_ms,
        list_brotli_ms: compressed.whole_ms,
        rss_mb_before_lists,
        rss_mb_after_lists,
        beats_per_second: rate,
    };
    (figures, list.whole_ms)
}

fn page(query: &str) -> String {
    format!("/1.0/remote-cluster?fields=summary&limit=50&{query}")
}

struct Asked {
    first_byte_ms: f64,
    whole_ms: f64,
    bytes: usize,
}

async fn ask(api: &Client, path: &str, encoding: &str) -> Asked {
    let request = Request::get(path).header("accept-encoding", encoding);
    let begun = Instant::now();
    let answer = api.send(request.body(Full::<Bytes>::default()).unwrap()).await;
    assert_eq!(answer.status(), 200, "{path}");
    let mut body = answer.into_body();
    let (mut bytes, mut first_byte_ms) = (0, None);
    while let Some(frame) = body.frame().await {
        first_byte_ms.get_or_insert_with(|| milliseconds(begun));
        bytes += frame.unwrap().into_data().unwrap().len();
    }
    let whole_ms = milliseconds(begun);
    Asked { first_byte_ms: first_byte_ms.unwrap_or(whole_ms), whole_ms, bytes }
}

async fn json(api: &Client, path: &str) -> serde_json::Value {
    let answer = api.send(Request::get(path).body(Full::default()).unwrap()).await;
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn repeat(api: &Client, path: &str, encoding: &str, times: usize) -> Times {
    let (taken, cpu_ms) = samples(api, path, encoding, times).await;
    of(taken, cpu_ms)
}

/// The duration of each request, and the CPU time of all.
async fn samples(api: &Client, path: &str, encoding: &str, times: usize) -> (Vec<f64>, f64) {
    let (mut taken, before) = (Vec::new(), cpu_ms());
    for _ in 0..times {
        taken.push(ask(api, path, encoding).await.whole_ms);
    }
    (taken, cpu_ms() - before)
}

async fn repeat_unchanged(api: &Client, path: &str, times: usize) -> Times {
    let answer = api.send(Request::get(path).body(Full::default()).unwrap()).await;
    let tag = answer.headers()["etag"].clone();
    let (mut taken, before) = (Vec::new(), cpu_ms());
    for _ in 0..times {
        let request = Request::get(path).header("if-none-match", &tag).body(Full::default()).unwrap();
        let begun = Instant::now();
        assert_eq!(api.send(request).await.status(), 304);
        taken.push(milliseconds(begun));
    }
    of(taken, cpu_ms() - before)
}

fn of(mut taken: Vec<f64>, cpu_ms: f64) -> Times {
    taken.sort_by(f64::total_cmp);
    Times {
        p50_ms: taken[taken.len() / 2],
        p99_ms: taken[taken.len() * 99 / 100 - 1],
        cpu_ms: cpu_ms / taken.len() as f64,
    }
}

/// The CPU time of this process and its PostgreSQL so far. PostgreSQL's processes work in its folder.
fn cpu_ms() -> f64 {
    let folder = store::testing::scratch_folder("bench-api");
    let own = procfs::process::Process::myself().unwrap();
    let servers = procfs::process::all_processes().unwrap().filter_map(Result::ok);
    let servers = servers.filter(|process| process.cwd().is_ok_and(|cwd| cwd.starts_with(&folder)));
    let all = servers.chain([own]).filter_map(|process| process.stat().ok());
    let ticks: u64 = all.map(|stat| stat.utime + stat.stime).sum();
    ticks as f64 * 1000.0 / procfs::ticks_per_second() as f64
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

/// The whole list contains certificates: each cluster has one of the usual length.
async fn certify(database: &DatabaseOptions) {
    let keys = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let certificate = rcgen::CertificateParams::new(["site".to_owned()]).unwrap().self_signed(&keys).unwrap();
    let sql = format!("UPDATE remote_clusters SET cluster_certificate = '{}'", certificate.pem());
    execute(database, &sql).await.unwrap();
}

/// Sends heartbeats at this rate until it is stopped.
async fn beat(writer: HeartbeatWriter, ids: Vec<ClusterId>, rate: f64, stop: CancellationToken) {
    let (writer, under_way) = (Arc::new(writer), TaskTracker::new());
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    for id in ids.into_iter().cycle() {
        if stop.run_until_cancelled(ticks.tick()).await.is_none() {
            break;
        }
        let writer = writer.clone();
        under_way.spawn(async move { populated::report(&writer, id).await });
    }
    under_way.close();
    under_way.wait().await;
}

/// Makes some clusters late and some lost. All have a full history of gaps.
async fn silence(database: &DatabaseOptions, late: &str, lost: &str) {
    let sql = format!(
        "UPDATE remote_cluster_liveness SET recent_gaps = ARRAY[60.01, 59.98, 60.2, 61.7, 60.01, 59.5, 60.3, 60.0],
            heard_at = heard_at - CASE WHEN {lost} THEN interval '2 days' WHEN {late} THEN interval '250 s'
                ELSE interval '0' END"
    );
    execute(database, &sql).await.unwrap();
}

fn rss_mb() -> f64 {
    let status = procfs::process::Process::myself().unwrap().status().unwrap();
    status.vmrss.unwrap() as f64 * 1024.0 / 1e6
}

fn print_table(figures: &Figures) {
    let details = &figures.details;
    let title = format!("{} clusters, ms", figures.clusters);
    println!("\n{title:<64} {:>8} {:>8} {:>8}   wanted", "median", "99 %", "CPU");
    let row = |what: &str, times: &Times, wanted: &str| {
        println!("{what:<64} {:>8.2} {:>8.2} {:>8.2}   {wanted}", times.p50_ms, times.p99_ms, times.cpu_ms);
    };
    let wanted = format!("< {MAX_PAGE_MS}");
    row("a page of 50, any sort with any filter", &details.all_pages, &wanted);
    for (sort, filters) in &details.pages {
        let (filter, worst) = filters.iter().max_by(|a, b| a.1.p99_ms.total_cmp(&b.1.p99_ms)).unwrap();
        row(&format!("  by {sort}, slowest with {filter:?}"), worst, "");
    }
    println!("{:<64} {:>8.2}", "the first page of all, which reads the whole fleet", details.first_page_ms);
    row("the next page", &details.next_pages, &wanted);
    row("a page that did not change", &details.not_modified, "");
    row("a page while whole lists are sent", &details.pages_while_lists_are_sent, "");
    row("a page while all clusters are late or lost", &details.pages_of_a_silent_fleet, "");
    row("totals", &details.totals, &format!("< {MAX_TOTALS_MS}"));
    row("totals while all clusters are late or lost", &details.totals_of_a_silent_fleet, "");
    println!(
        "the whole list: {:.0} ms (wanted < {MAX_LIST_MS}), first byte after {:.1} ms, {:.1} MB; with brotli {:.0} ms, {:.2} MB",
        figures.list_ms,
        details.list_first_byte_ms,
        details.list_bytes as f64 / 1e6,
        details.list_brotli_ms,
        details.list_bytes_brotli as f64 / 1e6,
    );
    println!(
        "memory: {:.0} MB before the lists, {:.0} MB after; a page: {} bytes, {} with brotli",
        details.rss_mb_before_lists,
        details.rss_mb_after_lists,
        details.page_bytes,
        details.page_bytes_brotli
    );
}

fn write(figures: &Figures) {
    let path = source_tree().join("target/bench/api.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, serde_json::to_string_pretty(figures).unwrap() + "\n").unwrap();
    println!("\n{}", path.display());
}
