//! What the hub does when its database goes away, and when it is itself cut down.

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

/// A PostgreSQL that can be stopped, with a hub's database.
async fn own_postgres(purpose: &str) -> (LocalPostgres, std::path::PathBuf) {
    let folder = scratch_folder(purpose);
    let postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    create_database(&postgres.options("postgres"), "cm").await.unwrap();
    (postgres, folder)
}

/// Thirty seconds, or as many as are asked for.
fn outage() -> Duration {
    let seconds = std::env::var("OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_under_load_is_503_and_all_is_well_when_it_returns() {
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
            let answer = answer.expect("the process stays up and answers");
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
        recovered = recovered.max(first_success.expect("it recovers by itself"));
        last_site = Some(site);
    }
    println!(
        "database away for {:?}: {refused} answers of 503, every site heard again within {recovered:?}",
        outage()
    );
    assert!(refused > 10);
    assert!(recovered < Duration::from_secs(5), "{recovered:?}");
    // The hub's outage is nobody's lateness.
    let shown = hub.shown(&last_site.unwrap().name);
    assert_eq!(shown["health"]["state"], "fresh");
    drop(program);
    drop(postgres);
}

/// The heartbeats among what sites were told is stored; joins store no usage.
fn acknowledged_beats(acked: &Path) -> usize {
    let text = std::fs::read_to_string(acked).unwrap_or_default();
    text.lines().filter(|line| !line.ends_with("\t0")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9_and_no_token_works_twice() {
    let (postgres, _) = own_postgres("crash").await;
    let hub = Hub::without_units(postgres.options("cm"), &UNLIMITED);
    let migrated = hub.cli(["migrate"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let folder = tempfile::tempdir().unwrap();
    let (acked, state) = (folder.path().join("acked"), folder.path().join("state"));
    let mut tokens = HashMap::new();
    for round in 0..5 {
        let made: Vec<_> =
            (0..20).map(|number| format!("r{round}-{number}")).map(|name| (hub.token(&name), name)).collect();
        let mut file = std::fs::File::create(folder.path().join("tokens")).unwrap();
        for (token, _) in &made {
            writeln!(file, "{token}").unwrap();
        }
        tokens.extend(made.into_iter().map(|(token, name)| (name, token)));
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
        // In turns among the joins, and anywhere among the beats, whenever a busy machine comes to them.
        let among_beats = round % 2 == 0;
        let earlier = acknowledged_beats(&acked);
        harness::wait::until("a heartbeat is acknowledged", Duration::from_secs(60), async || {
            !among_beats || acknowledged_beats(&acked) > earlier
        })
        .await;
        let latest = if among_beats { 1500 } else { 150 };
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
    let (mut joins, mut beats) = (0, 0);
    for line in text.lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap();
        let usage: i64 = fields.nth(1).unwrap().parse().unwrap();
        let cluster = clusters.get(name).unwrap_or_else(|| panic!("{name} was told that it joined"));
        assert!(cluster.details.memory_usage >= usage, "{name} was told that {usage} is stored");
        if usage == 0 { joins += 1 } else { beats += 1 }
    }
    println!(
        "five kills under load: {joins} acknowledged joins and {beats} acknowledged heartbeats are there"
    );
    assert!(joins > 0 && beats > 0, "the kills came too early to show anything");

    // A token that made a cluster, acknowledged or not, is used up.
    let program = Program::start(hub.connector_command());
    harness::wait::until("the hub is back", Duration::from_secs(30), async || {
        agent::client::call(agent::client::CallOptions {
            path: "/1.0/status".to_owned(),
            ..agent::client::CallOptions::new(hub.address.clone())
        })
        .await
        .is_ok_and(|answer| answer.status == 200)
    })
    .await;
    for name in clusters.keys() {
        let site = agent::client::ClusterClient::from_token(&tokens[name], harness::hub::keys(name)).unwrap();
        let request = site.join_request(&tokens[name], agent::client::Proof::Token).unwrap();
        assert_eq!(site.exchange(request).await.unwrap().response.status, 403, "{name}");
    }
    drop(program);
    drop(postgres);
}
