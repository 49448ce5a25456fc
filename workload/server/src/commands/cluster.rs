//! `cluster-manager cluster …`.

use std::cmp::Reverse;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use fleet::health::in_words;
use fleet::{Cluster, HealthRules, ServiceClock};
use settings::Source;
use store::Store;

use super::serve::shutdown_on_signal;
use crate::cli::{self, Format};
use crate::failure::Failure;
use crate::output::{self, line, note};
use crate::setup;
use crate::view::{ClusterView, share};

/// How often `--watch` looks again.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Runs one of the commands.
pub(super) async fn run(source: &Source, format: Format, command: cli::Cluster) -> Result<(), Failure> {
    let store = setup::store_without_secrets(source)?;
    let rules = setup::health_rules(source)?;
    store.ensure_current().await?;
    match command {
        cli::Cluster::List { watch: false } => list(&store, &rules, format).await,
        cli::Cluster::List { watch: true } => watch(&store, &rules, format).await,
        cli::Cluster::Show { name } => show(&store, &rules, format, &name).await,
        cli::Cluster::Remove { name, yes } => remove(&store, &name, yes).await,
    }
}

async fn list(store: &Store, rules: &HealthRules, format: Format) -> Result<(), Failure> {
    let (clock, clusters) = store.clusters().await?;
    let mut views: Vec<_> = clusters.iter().map(|cluster| ClusterView::new(cluster, rules, &clock)).collect();
    // Worst first; the sort is stable, so equals stay in the order of their names.
    views.sort_by_key(|view| {
        (Reverse(view.health.state), Reverse(view.warnings.first().map(|worst| worst.severity)))
    });
    output::print(format, &views, |views| table(views, &clock))
}

fn table(views: &[ClusterView<'_>], clock: &ServiceClock) -> String {
    let mut text = if clock.is_outage() {
        let silence = in_words(clock.now - clock.accepting_until);
        format!("No connector has been accepting heartbeats for {silence}: what follows is older.\n\n")
    } else {
        String::new()
    };
    if views.is_empty() {
        text += "No cluster is enrolled. Make a join token with: cluster-manager token create NAME";
        return text;
    }
    let header =
        ["NAME", "HEALTH", "SINCE", "LAST BEAT", "MEMBERS", "INSTANCES", "MEMORY", "STORAGE", "WARNINGS"];
    text + &output::table(&header, views.iter().map(|view| row(view, clock)))
}

fn row(view: &ClusterView<'_>, clock: &ServiceClock) -> Vec<String> {
    let ago = |moment| in_words(clock.now - moment);
    let details = &view.cluster.details;
    let running =
        details.instance_statuses.iter().filter(|entry| entry.status.eq_ignore_ascii_case("running"));
    let running: u32 = running.map(|entry| entry.count).sum();
    let pools = &details.storage_pool_usages;
    let storage = pools.iter().fold((0u64, 0u64), |(usage, total), pool| {
        (usage.saturating_add(pool.usage), total.saturating_add(pool.total))
    });
    let last_beat = view.cluster.liveness.last_heartbeat_at;
    vec![
        view.cluster.name.to_string(),
        view.health.state.as_str().to_owned(),
        ago(view.health.since),
        last_beat.map_or_else(|| "never".to_owned(), |moment| format!("{} ago", ago(moment))),
        details.member_count().to_string(),
        format!("{running} of {}", details.instance_count()),
        share(details.memory_usage.unsigned_abs(), details.memory_total_amount.unsigned_abs()),
        share(storage.0, storage.1),
        match view.warnings.as_slice() {
            [] => String::new(),
            [only] => only.text.clone(),
            [worst, rest @ ..] => format!("{} (and {} more)", worst.text, rest.len()),
        },
    ]
}

async fn watch(store: &Store, rules: &HealthRules, format: Format) -> Result<(), Failure> {
    let stop = shutdown_on_signal()?;
    let clears = output::is_terminal() && format == Format::Table;
    while !stop.is_cancelled() {
        if clears {
            // Home and clear: the list stands where it stood.
            let _ = write!(std::io::stdout(), "\x1b[H\x1b[2J");
        }
        match list(store, rules, format).await {
            // Whoever watches wants to see it come back.
            Err(Failure::Unavailable(problem)) => note(&format!("cluster-manager: {problem}; trying again")),
            outcome => outcome?,
        }
        if !clears {
            line("")?;
        }
        stop.run_until_cancelled(tokio::time::sleep(WATCH_EVERY)).await;
    }
    Ok(())
}

async fn show(store: &Store, rules: &HealthRules, format: Format, name: &str) -> Result<(), Failure> {
    let clock = store.service_clock().await?;
    let cluster: Cluster = store.cluster(name).await?.ok_or_else(|| not_found(name))?;
    let view = ClusterView::new(&cluster, rules, &clock);
    output::print(format, &view, |view| view.describe(&clock))
}

async fn remove(store: &Store, name: &str, yes: bool) -> Result<(), Failure> {
    if !yes && std::io::stdin().is_terminal() && !confirmed(store, name).await? {
        return Err(Failure::Other("nothing was removed".to_owned()));
    }
    if store.remove_cluster(name, &setup::command_line()).await? { Ok(()) } else { Err(not_found(name)) }
}

async fn confirmed(store: &Store, name: &str) -> Result<bool, Failure> {
    let cluster = store.cluster(name).await?.ok_or_else(|| not_found(name))?;
    let instances = cluster.details.instance_count();
    let shown = output::one_line(name);
    note(&format!(
        "{shown} has {instances} instances. They go on running, but the cluster cannot report any more."
    ));
    let _ = write!(std::io::stderr(), "Remove {shown}? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failure::other)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn not_found(name: &str) -> Failure {
    Failure::NotFound(format!("there is no cluster named {name:?}"))
}
