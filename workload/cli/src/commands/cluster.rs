//! `cluster-manager cluster …`.

use std::cmp::Reverse;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use api::Cluster;
use fleet::ClusterChange;
use fleet::health::in_words;
use time::OffsetDateTime;

use crate::arguments::{self, Format};
use crate::backend::{Backend, Fleet};
use crate::output::{self, line, note};
use crate::runtime::shutdown_on_signal;
use crate::{Failure, cluster_view, prompt};

/// Time between two lists of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Moves the cursor to the top left and clears the terminal.
const CLEAR_TERMINAL: &str = "\x1b[H\x1b[2J";

/// Runs a subcommand of `cluster`.
pub(super) async fn run(
    backend: &Backend,
    format: Format,
    command: arguments::Cluster,
) -> Result<(), Failure> {
    match command {
        arguments::Cluster::List { watch: false } => list(backend, format).await,
        arguments::Cluster::List { watch: true } => watch(backend, format).await,
        arguments::Cluster::Show { name } => show(backend, format, &name).await,
        arguments::Cluster::Set { name, description, disk_threshold, memory_threshold } => {
            let change = ClusterChange { description, disk_threshold, memory_threshold };
            found(&name, backend.configure_cluster(&name, &change).await?)
        }
        arguments::Cluster::Remove { name, yes } => remove(backend, &name, yes).await,
    }
}

async fn list(backend: &Backend, format: Format) -> Result<(), Failure> {
    let Fleet { mut clusters, now, outage } = backend.clusters().await?;
    // The unhealthiest first. The sort is stable, so equals stay in the order of their names.
    clusters.sort_by_key(|cluster| {
        let worst = cluster.warnings.first().and_then(|worst| worst.severity.known());
        (Reverse(cluster.health.state.known()), Reverse(worst))
    });
    output::print(format, &clusters, |clusters| table(clusters, now, outage))
}

fn table(clusters: &[Cluster], now: OffsetDateTime, outage: Option<time::Duration>) -> String {
    let mut text = outage.map_or_else(String::new, |outage| {
        let outage = in_words(outage);
        format!("The hub has not accepted heartbeats for {outage}. The list shows the state before that.\n\n")
    });
    if clusters.is_empty() {
        text += "No clusters. Create a join token to enrol one: cluster-manager token create NAME";
        return text;
    }
    let rows = clusters.iter().map(|cluster| cluster_view::row(cluster, now));
    text + &output::table(&cluster_view::HEADER, rows)
}

async fn watch(backend: &Backend, format: Format) -> Result<(), Failure> {
    let stop = shutdown_on_signal()?;
    let clears = output::is_terminal() && format == Format::Table;
    while !stop.is_cancelled() {
        if clears {
            let _ = write!(std::io::stdout(), "{CLEAR_TERMINAL}");
        }
        match stop.run_until_cancelled(list(backend, format)).await {
            None => break,
            // An outage does not end the watch: the list comes back when the hub does.
            Some(Err(Failure::Unavailable(problem))) => {
                note(&format!("cluster-manager: {problem}; retrying"));
            }
            Some(outcome) => outcome?,
        }
        if !clears {
            line("")?;
        }
        stop.run_until_cancelled(tokio::time::sleep(WATCH_INTERVAL)).await;
    }
    Ok(())
}

async fn show(backend: &Backend, format: Format, name: &str) -> Result<(), Failure> {
    let seen = backend.cluster(name).await?.ok_or_else(|| not_found(name))?;
    output::print(format, &seen.value, |cluster| cluster_view::describe(cluster, seen.now))
}

async fn remove(backend: &Backend, name: &str, yes: bool) -> Result<(), Failure> {
    if !yes && std::io::stdin().is_terminal() && !is_confirmed(backend, name).await? {
        return Err(Failure::Other("cancelled: the cluster was not removed".to_owned()));
    }
    found(name, backend.remove_cluster(name).await?)
}

async fn is_confirmed(backend: &Backend, name: &str) -> Result<bool, Failure> {
    let cluster = backend.cluster(name).await?.ok_or_else(|| not_found(name))?.value;
    let shown = output::one_line(name);
    let instances = output::count(cluster.instance_count.unsigned_abs().into(), "instance");
    note(&format!(
        "Cluster \"{shown}\" has {instances}. Instances keep running, but the cluster can no longer report."
    ));
    prompt::confirm(&format!("Remove cluster \"{shown}\"?"))
}

fn found(name: &str, is_found: bool) -> Result<(), Failure> {
    if is_found { Ok(()) } else { Err(not_found(name)) }
}

fn not_found(name: &str) -> Failure {
    Failure::NotFound(format!("there is no cluster named {name:?}"))
}
