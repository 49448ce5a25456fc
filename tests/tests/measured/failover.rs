//! A real failover: a primary and a synchronous standby, which is promoted while the old primary goes on running read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agent::client::{CallOptions, ClusterClient, Network, Request, call};
use harness::hub::{UNLIMITED, Unit};
use harness::{Hub, wait};
use http::Method;
use store::DatabaseOptions;
use store::database::{Durability, LocalPostgres, create_database};
use store::testing::{execute, scratch_folder, texts};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long heartbeats go on before and after the failover: `FAILOVER_SECONDS` each.
fn load_time() -> Duration {
    let seconds = std::env::var("FAILOVER_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// A primary whose commits wait for a standby, and that standby.
async fn synchronous_pair() -> (LocalPostgres, LocalPostgres) {
    let primary = LocalPostgres::start(&scratch_folder("failover-1"), None, Durability::None).unwrap();
    create_database(&primary.options("postgres"), "cm").await.unwrap();
    let folder = scratch_folder("failover-2");
    primary.copy_to(&folder).unwrap();
    let standby = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    let on_primary = primary.superuser_options("cm").unwrap();
    for sql in [
        // The server's own default is off in tests.
        "ALTER DATABASE cm SET synchronous_commit = on",
        "ALTER SYSTEM SET synchronous_standby_names = '*'",
        "SELECT pg_reload_conf()",
    ] {
        execute(&on_primary, sql).await.unwrap();
    }
    wait::until("the standby is synchronous", Duration::from_secs(30), async || {
        texts(&on_primary, "SELECT sync_state FROM pg_stat_replication").await.unwrap() == ["sync"]
    })
    .await;
    (primary, standby)
}

/// One heartbeat, and whether the unit called itself ready before and after it.
struct Beat {
    at: Instant,
    unit: usize,
    status: u16,
    retry_after: bool,
    was_ready: bool,
    is_ready: bool,
}

/// Sends heartbeats to one unit until the end. Returns them, and the last acknowledged memory usage.
async fn load(
    hub: Arc<Hub>,
    unit: usize,
    site: ClusterClient,
    refused: Arc<[AtomicUsize; 2]>,
    end: CancellationToken,
) -> (String, i64, Vec<Beat>) {
    let (mut beats, mut acknowledged, mut usage) = (Vec::new(), 0, 0);
    while !end.is_cancelled() {
        usage += 1;
        let was_ready = is_ready(&hub, &hub.units()[unit]).await;
        let body = format!("{{\"memory_total_amount\":1000000,\"memory_usage\":{usage}}}");
        let request = Request::new(Method::POST, "/1.0/remote-cluster/status", body);
        let answer = site.exchange(request).await.expect("the unit stays up and responds").response;
        let is_ready = is_ready(&hub, &hub.units()[unit]).await;
        let status = answer.status.as_u16();
        match status {
            200 => acknowledged = usage,
            _ => _ = refused[unit].fetch_add(1, Ordering::Relaxed),
        }
        let retry_after = answer.headers.contains_key("retry-after");
        beats.push(Beat { at: Instant::now(), unit, status, retry_after, was_ready, is_ready });
        end.run_until_cancelled(sleep(Duration::from_millis(30))).await;
    }
    (site.name.clone(), acknowledged, beats)
}

async fn is_ready(hub: &Hub, unit: &Unit) -> bool {
    let status = CallOptions {
        path: "/1.0/status".to_owned(),
        network: Network { connect_to: Some(unit.address), ..Network::default() },
        ..CallOptions::new(hub.address.clone())
    };
    let ready = call(status).await.unwrap().status.as_u16();
    assert!([200, 503].contains(&ready), "{ready}");
    ready == 200
}

async fn hub_with_two_units(database: DatabaseOptions) -> (Arc<Hub>, Vec<(usize, ClusterClient)>) {
    let mut hub = Hub::without_units(database, &UNLIMITED);
    hub.add_unit().await;
    hub.add_unit().await;
    let mut sites = Vec::new();
    for number in 0..4 {
        let unit = number % 2;
        let network = Network { connect_to: Some(hub.units()[unit].address), ..Network::default() };
        sites.push((unit, hub.enrol(&format!("site-{number}")).await.with_network(network)));
    }
    (Arc::new(hub), sites)
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_after_a_failover_and_no_acknowledged_one_is_lost() {
    let (primary, standby) = synchronous_pair().await;
    let (old, new) = (primary.options("cm"), standby.options("cm"));
    let servers = [old.servers.clone(), new.servers.clone()].concat();
    let (hub, sites) = hub_with_two_units(DatabaseOptions { servers, ..old.clone() }).await;
    let end = CancellationToken::new();
    let refused = Arc::<[AtomicUsize; 2]>::default();
    let loads: Vec<_> = sites
        .into_iter()
        .map(|(unit, site)| tokio::spawn(load(hub.clone(), unit, site, refused.clone(), end.clone())))
        .collect();
    sleep(load_time()).await;

    // First the old primary is fenced off, as every tool for high availability does it.
    let [fenced, promoted] = [&primary, &standby].map(|server| server.superuser_options("cm").unwrap());
    execute(&fenced, "ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    execute(&fenced, "SELECT pg_reload_conf()").await.unwrap();
    for unit in hub.units() {
        wait::until("the unit is not ready", Duration::from_secs(20), async || !is_ready(&hub, unit).await)
            .await;
        assert_eq!(unit.status_code().await, 500);
    }
    for unit in &*refused {
        wait::until("heartbeats are 503", Duration::from_secs(20), async || unit.load(Ordering::Relaxed) > 0)
            .await;
    }
    execute(&promoted, "SELECT pg_promote()").await.unwrap();
    let promoted = Instant::now();
    for unit in hub.units() {
        wait::until("the unit is ready", Duration::from_secs(30), async || is_ready(&hub, unit).await).await;
    }
    sleep(load_time()).await;
    end.cancel();

    let mut recovered = [None; 2];
    let stored = hub.store.clusters().await.unwrap().1;
    for load in loads {
        let (name, acknowledged, beats) = load.await.unwrap();
        for beat in &beats {
            match beat.status {
                200 if beat.at > promoted => {
                    let first: &mut Option<Duration> = &mut recovered[beat.unit];
                    *first = Some(first.map_or(beat.at - promoted, |first| first.min(beat.at - promoted)));
                }
                200 => {}
                503 => {
                    assert!(beat.retry_after);
                    assert!(!(beat.was_ready && beat.is_ready), "ready, but heartbeats are 503");
                }
                other => panic!("neither 200 nor 503 but {other}"),
            }
        }
        assert_eq!(beats.last().unwrap().status, 200, "{name}");
        let cluster = stored.iter().find(|cluster| cluster.name.as_str() == name).unwrap();
        assert!(cluster.details.memory_usage >= acknowledged, "{name}: {acknowledged} was acknowledged");
    }
    let recovered = recovered.map(|first| first.expect("every unit accepts heartbeats again"));
    println!(
        "failover: {refused:?} responses with 503, the units accepted heartbeats again after {recovered:?}"
    );
    assert!(recovered.iter().all(|first| *first < Duration::from_secs(30)), "{recovered:?}");
    assert!(texts(&old, "SELECT 1").await.is_ok(), "the old primary still runs");
}
