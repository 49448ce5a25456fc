//! The hub while its database is down, and after it is killed.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use agent::client::Request;
use harness::Hub;
use harness::hub::UNLIMITED;
use harness::process::{Program, command};
use http::Method;
use rand::RngExt as _;
use store::database::{Durability, LocalPostgres, create_database};
use store::testing::scratch_folder;
use tokio::time::sleep;

const STATUS: &str = "/1.0/remote-cluster/status";

/// A PostgreSQL that can be stopped, with a database for a hub.
async fn own_postgres(purpose: &str) -> (LocalPostgres, std::path::PathBuf) {
    let folder = scratch_folder(purpose);
    let postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    create_database(&postgres.options("postgres"), "cm").await.unwrap();
    (postgres, folder)
}

/// How long the database is down: `OUTAGE_SECONDS`.
fn outage() -> Duration {
    let seconds = std::env::var("OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(12))
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_under_load_is_503_and_clusters_recover() {
    let (mut postgres, folder) = own_postgres("outage").await;
    let hub = Hub::without_units(postgres.options("cm"), &UNLIMITED);
    let program = hub.start_program().await;
    let sites: Vec<_> = {
        let mut sites = Vec::new();
        for number in 0..10 {
            sites.push(hub.enrol(&format!("site-{number}")).await);
        }
        sites
    };
    let load = tokio_util::sync::CancellationToken::new();
    let workers: Vec<_> = sites
        .into_iter()
        .map(|site| {
            let load = load.clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while !load.is_cancelled() {
                    let answer = site.exchange(Request::new(Method::POST, STATUS, "{}")).await;
                    answers.push((Instant::now(), answer));
                    load.run_until_cancelled(sleep(Duration::from_millis(250))).await;
                }
                (site, answers)
            })
        })
        .collect();
    sleep(Duration::from_secs(2)).await;
    let port = postgres.port();
    let stopped = Instant::now();
    postgres.stop();
    sleep(outage()).await;
    let postgres = LocalPostgres::start(&folder, Some(port), Durability::None).unwrap();
    let returned = Instant::now();
    sleep(Duration::from_secs(6)).await;
    load.cancel();

    let (mut refused, mut recovered) = (0, Duration::ZERO);
    let mut last_site = None;
    for worker in workers {
        let (site, answers) = worker.await.unwrap();
        let mut first_success = None;
        for (at, answer) in answers {
            let answer = answer.expect("the process stays up and responds");
            let during = at > stopped + Duration::from_secs(1) && at < returned;
            match answer.response.status.as_u16() {
                503 => {
                    refused += 1;
                    let seconds: u64 =
                        answer.response.headers["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=30).contains(&seconds));
                }
                200 => assert!(!during, "nothing can be acknowledged without a database"),
                other => panic!("neither 200 nor 503 but {other}"),
            }
            if at > returned && answer.response.status == 200 && first_success.is_none() {
                first_success = Some(at - returned);
            }
        }
        recovered = recovered.max(first_success.expect("it recovers"));
        last_site = Some(site);
    }
    println!(
        "database down for {:?}: {refused} responses with 503, every cluster recovered within {recovered:?}",
        outage()
    );
    assert!(refused > 10);
    assert!(recovered < Duration::from_secs(5), "{recovered:?}");
    // An outage of the hub makes no cluster late.
    let shown = hub.shown(&last_site.unwrap().name);
    assert_eq!(shown["health"]["state"], "fresh");
    drop(program);
    drop(postgres);
}

/// The number of acknowledged heartbeats; joins are listed with a usage of 0.
fn acknowledged_heartbeats(acked: &Path) -> usize {
    let text = std::fs::read_to_string(acked).unwrap_or_default();
    text.lines().filter(|line| !line.ends_with("\t0")).count()
}

/// Creates join tokens for a round and writes them to a file, one per line. Returns them with the names of their clusters.
fn write_tokens(hub: &Hub, file: &Path, round: usize) -> Vec<(String, String)> {
    let names = (0..20).map(|number| format!("r{round}-{number}"));
    let made: Vec<_> = names.map(|name| (name.clone(), hub.token(&name))).collect();
    let mut file = std::fs::File::create(file).unwrap();
    for (_, token) in &made {
        writeln!(file, "{token}").unwrap();
    }
    made
}

/// A token that enrolled a cluster, acknowledged or not, does not work again.
async fn tokens_do_not_work_again(hub: &Hub, tokens: impl Iterator<Item = (&String, &String)>) {
    let _program = Program::start(hub.connector_command());
    harness::wait::until("the hub is back", Duration::from_secs(30), async || {
        agent::client::call(agent::client::CallOptions {
            path: "/1.0/status".to_owned(),
            ..agent::client::CallOptions::new(hub.address.clone())
        })
        .await
        .is_ok_and(|answer| answer.status == 200)
    })
    .await;
    for (name, token) in tokens {
        let cluster = agent::client::ClusterClient::from_token(token, harness::hub::keys(name)).unwrap();
        let request = cluster.join_request(token, agent::client::Proof::Token).unwrap();
        assert_eq!(cluster.exchange(request).await.unwrap().response.status, 403, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_kill_9_and_no_token_works_twice() {
    let (postgres, _) = own_postgres("crash").await;
    let hub = Hub::without_units(postgres.options("cm"), &UNLIMITED);
    let migrated = hub.cli(["migrate"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let folder = tempfile::tempdir().unwrap();
    let (acked, state) = (folder.path().join("acked"), folder.path().join("state"));
    let mut tokens = HashMap::new();
    for round in 0..5 {
        tokens.extend(write_tokens(&hub, &folder.path().join("tokens"), round));
        let program = hub.start_program().await;
        let mut fleet = command("fleetsim", &[]);
        fleet.arg("--tokens-from").arg(folder.path().join("tokens")).arg("--state").arg(&state);
        fleet.arg("--acked").arg(&acked).args([
            "--rate",
            "200",
            "--duration",
            "2s",
            "--timeout",
            "5s",
            "--quiet",
        ]);
        let fleet = Program::start(fleet);
        // In turns during the joins, and at any time during the heartbeats, which a busy machine may start late.
        let during_heartbeats = round % 2 == 0;
        let earlier = acknowledged_heartbeats(&acked);
        harness::wait::until("a heartbeat is acknowledged", Duration::from_secs(60), async || {
            !during_heartbeats || acknowledged_heartbeats(&acked) > earlier
        })
        .await;
        let latest = if during_heartbeats { 1500 } else { 150 };
        sleep(Duration::from_millis(rand::rng().random_range(0..latest))).await;
        program.kill();
        fleet.ends(Duration::from_secs(120)).await;
    }
    let clusters: HashMap<_, _> = hub
        .store
        .clusters()
        .await
        .unwrap()
        .1
        .into_iter()
        .map(|cluster| (cluster.name.to_string(), cluster))
        .collect();
    let text = std::fs::read_to_string(&acked).unwrap_or_default();
    let (mut joins, mut heartbeats) = (0, 0);
    for line in text.lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap();
        let usage: i64 = fields.nth(1).unwrap().parse().unwrap();
        let cluster = clusters.get(name).unwrap_or_else(|| panic!("{name} joined, but is not there"));
        assert!(cluster.details.memory_usage >= usage, "{name}: a usage of {usage} was acknowledged");
        if usage == 0 { joins += 1 } else { heartbeats += 1 }
    }
    println!(
        "five kills under load: {joins} acknowledged joins and {heartbeats} acknowledged heartbeats are there"
    );
    assert!(joins > 0 && heartbeats > 0, "the kills came too early to show anything");

    tokens_do_not_work_again(&hub, tokens.iter().filter(|(name, _)| clusters.contains_key(*name))).await;
    drop(postgres);
}
