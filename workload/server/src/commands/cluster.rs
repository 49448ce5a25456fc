//! `cluster-manager cluster …`.

use std::cmp::Reverse;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use fleet::health::in_words;
use fleet::{ClusterChange, HealthState, Severity};
use management::model::Cluster;
use time::OffsetDateTime;

use super::serve::shutdown_on_signal;
use crate::backend::{Backend, Fleet};
use crate::cli::{self, Format};
use crate::failure::Failure;
use crate::output::{self, line, note};
use crate::view;

/// How often `--watch` looks again.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Runs one of the commands.
pub(super) async fn run(backend: &Backend, format: Format, command: cli::Cluster) -> Result<(), Failure> {
    match command {
        cli::Cluster::List { watch: false } => list(backend, format).await,
        cli::Cluster::List { watch: true } => watch(backend, format).await,
        cli::Cluster::Show { name } => show(backend, format, &name).await,
        cli::Cluster::Set { name, description, disk_threshold, memory_threshold } => {
            let change = ClusterChange { description, disk_threshold, memory_threshold };
            found(&name, backend.configure_cluster(&name, &change).await?)
        }
        cli::Cluster::Remove { name, yes } => remove(backend, &name, yes).await,
    }
}

async fn list(backend: &Backend, format: Format) -> Result<(), Failure> {
    let Fleet { mut clusters, now, silence } = backend.clusters().await?;
    // Worst first; the sort is stable, so equals stay in the order of their names.
    clusters.sort_by_key(|cluster| {
        let worst = cluster.warnings.first().and_then(|worst| Severity::from_word(&worst.severity));
        (Reverse(HealthState::from_word(&cluster.health.state)), Reverse(worst))
    });
    output::print(format, &clusters, |clusters| table(clusters, now, silence))
}

fn table(clusters: &[Cluster], now: OffsetDateTime, silence: Option<time::Duration>) -> String {
    let mut text = silence.map_or_else(String::new, |silence| {
        let silence = in_words(silence);
        format!("No connector has been accepting heartbeats for {silence}: what follows is older.\n\n")
    });
    if clusters.is_empty() {
        text += "No cluster is enrolled. Make a join token with: cluster-manager token create NAME";
        return text;
    }
    text + &output::table(&view::HEADER, clusters.iter().map(|cluster| view::row(cluster, now)))
}

async fn watch(backend: &Backend, format: Format) -> Result<(), Failure> {
    let stop = shutdown_on_signal()?;
    let clears = output::is_terminal() && format == Format::Table;
    while !stop.is_cancelled() {
        if clears {
            // Home and clear: the list stands where it stood.
            let _ = write!(std::io::stdout(), "\x1b[H\x1b[2J");
        }
        match stop.run_until_cancelled(list(backend, format)).await {
            None => break,
            // Whoever watches wants to see it come back.
            Some(Err(Failure::Unavailable(problem))) => {
                note(&format!("cluster-manager: {problem}; trying again"));
            }
            Some(outcome) => outcome?,
        }
        if !clears {
            line("")?;
        }
        stop.run_until_cancelled(tokio::time::sleep(WATCH_EVERY)).await;
    }
    Ok(())
}

async fn show(backend: &Backend, format: Format, name: &str) -> Result<(), Failure> {
    let seen = backend.cluster(name).await?.ok_or_else(|| not_found(name))?;
    output::print(format, &seen.value, |cluster| view::describe(cluster, seen.now))
}

async fn remove(backend: &Backend, name: &str, yes: bool) -> Result<(), Failure> {
    if !yes && std::io::stdin().is_terminal() && !confirmed(backend, name).await? {
        return Err(Failure::Other("nothing was removed".to_owned()));
    }
    found(name, backend.remove_cluster(name).await?)
}

async fn confirmed(backend: &Backend, name: &str) -> Result<bool, Failure> {
    let cluster = backend.cluster(name).await?.ok_or_else(|| not_found(name))?.value;
    let (shown, instances) = (output::one_line(name), cluster.instance_count);
    note(&format!(
        "{shown} has {instances} instances. They go on running, but the cluster cannot report any more."
    ));
    let _ = write!(std::io::stderr(), "Remove {shown}? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failure::other)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn found(name: &str, is_there: bool) -> Result<(), Failure> {
    if is_there { Ok(()) } else { Err(not_found(name)) }
}

fn not_found(name: &str) -> Failure {
    Failure::NotFound(format!("there is no cluster named {name:?}"))
}
