//! `make bench`: the cost of the list of ten thousand clusters for a browser, while they report: the bytes of the first
//! load, the time to the first rows, the largest response of the API, the longest time without a reaction of the page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot continue ends"
)]

use std::sync::Arc;
use std::time::Duration;

use harness::hub::UNLIMITED;
use harness::programs::source_tree;
use harness::{Hub, ManagementUnit, Playwright, populated};
use serde::{Deserialize, Serialize};
use store::HeartbeatWriter;
use store::database::{Durability, LocalPostgres, create_database};
use store::heartbeats::Presence;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The promises.
const MAX_FIRST_LOAD_KB: f64 = 300.0;
const MAX_FIRST_ROWS_MS: f64 = 1000.0;
const MAX_RESPONSE_KB: f64 = 100.0;
const MAX_TASK_MS: f64 = 200.0;

const CLUSTERS: usize = 10_000;

/// One opening of the list, as `tests/browser/bench.spec.ts` writes it.
#[derive(Debug, Serialize, Deserialize)]
struct Round {
    pages_bytes: f64,
    api_bytes: f64,
    largest_answer_bytes: f64,
    largest_answer: String,
    first_rows_ms: f64,
    first_rows_cpu_ms: f64,
    first_rows_again_ms: f64,
    sorted_ms: f64,
    searched_ms: f64,
    longest_task_ms: f64,
    longest_task_cpu_ms: f64,
}

/// `target/bench/ui.json`. All figures except times are the worst of all rounds.
#[derive(Debug, Serialize)]
struct Figures {
    clusters: usize,
    first_load_kb: f64,
    first_rows_ms: f64,
    first_rows_worst_ms: f64,
    largest_answer_kb: f64,
    longest_task_ms: f64,
    rounds: Vec<Round>,
}

#[tokio::main]
async fn main() {
    let folder = store::testing::scratch_folder("bench-ui");
    let postgres = LocalPostgres::start(&folder, None, Durability::Full).unwrap();
    create_database(&postgres.options("postgres"), "ui").await.unwrap();
    let settings = [&UNLIMITED, &populated::SETTINGS[..]].concat();
    let mut hub = Hub::without_units(postgres.options("ui"), &settings);
    hub.add_unit().await;
    let unit = ManagementUnit::start(&hub).await;
    eprintln!("writing {CLUSTERS} clusters …");
    populated::fill(&hub.store, &hub.database, CLUSTERS).await;
    let stop = CancellationToken::new();
    let reports = tokio::spawn(report(hub.store.clone(), hub.database.clone(), stop.clone()));

    let written = hub.folder().join("figures.json");
    let browser = Playwright::new("bench", &hub, &unit).await.with("CM_FIGURES", &written);
    browser.run().await.expect_all_passed();
    stop.cancel();
    reports.await.unwrap();
    let rounds: Vec<Round> = serde_json::from_slice(&std::fs::read(written).unwrap()).unwrap();
    let figures = Figures::of(rounds);
    figures.print();
    figures.write();
    drop(unit);
    drop(hub);
    drop(postgres);
    let _ = std::fs::remove_dir_all(folder);
}

/// Reports for each cluster once a minute.
async fn report(store: store::Store, database: store::DatabaseOptions, stop: CancellationToken) {
    let writer = Arc::new(HeartbeatWriter::start(store.clone(), Arc::new(Presence::new(store))));
    let pending = TaskTracker::new();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(60.0 / CLUSTERS as f64));
    for id in populated::reporting(&database).await.into_iter().cycle() {
        if stop.run_until_cancelled(ticks.tick()).await.is_none() {
            break;
        }
        let writer = writer.clone();
        pending.spawn(async move { populated::report(&writer, id).await });
    }
    pending.close();
    pending.wait().await;
}

impl Figures {
    fn of(rounds: Vec<Round>) -> Self {
        let worst = |of: fn(&Round) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
        Self {
            clusters: CLUSTERS,
            first_load_kb: worst(|round| round.pages_bytes + round.api_bytes) / 1e3,
            first_rows_ms: median(&rounds, |round| round.first_rows_ms),
            first_rows_worst_ms: worst(|round| round.first_rows_ms),
            largest_answer_kb: worst(|round| round.largest_answer_bytes) / 1e3,
            longest_task_ms: worst(|round| round.longest_task_ms),
            rounds,
        }
    }

    fn print(&self) {
        let rounds = &self.rounds;
        println!("\n{:<64} {:>8} {:>8}   target", format!("{CLUSTERS} clusters"), "median", "worst");
        let row = |what: &str, of: fn(&Round) -> f64, wanted: &str| {
            let worst = rounds.iter().map(of).fold(0.0, f64::max);
            println!("{what:<64} {:>8.1} {worst:>8.1}   {wanted}", median(rounds, of));
        };
        row(
            "first load, over the network, kB",
            |round| (round.pages_bytes + round.api_bytes) / 1e3,
            &format!("< {MAX_FIRST_LOAD_KB}"),
        );
        row("  responses of the API, kB", |round| round.api_bytes / 1e3, "");
        row("navigation to first rows, ms", |round| round.first_rows_ms, &format!("< {MAX_FIRST_ROWS_MS}"));
        row("  CPU time of the page's main thread, ms", |round| round.first_rows_cpu_ms, "");
        row(
            "navigation to the first of 75 rows with cached files, ms",
            |round| round.first_rows_again_ms,
            "",
        );
        row("click to sorted list, ms", |round| round.sorted_ms, "");
        row("last letter to search result, ms", |round| round.searched_ms, "");
        row(
            "largest response of the API, uncompressed, kB",
            |round| round.largest_answer_bytes / 1e3,
            &format!("< {MAX_RESPONSE_KB}"),
        );
        row("longest task of the page, ms", |round| round.longest_task_ms, &format!("< {MAX_TASK_MS}"));
        row("  CPU time, ms", |round| round.longest_task_cpu_ms, "");
        let largest = rounds.iter().max_by(|a, b| a.largest_answer_bytes.total_cmp(&b.largest_answer_bytes));
        println!("the largest response was to {}", largest.map_or("", |round| round.largest_answer.as_str()));
    }

    fn write(&self) {
        let path = source_tree().join("target/bench/ui.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
        println!("\n{}", path.display());
    }
}

fn median(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut all: Vec<f64> = rounds.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
