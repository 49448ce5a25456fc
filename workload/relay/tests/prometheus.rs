//! A real Prometheus takes what is relayed. Needs the program `prometheus`, in PATH or named by PROMETHEUS:
//! `cargo test -p relay --test prometheus -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use protocol::ClusterName;
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Backoff, Config, Credentials, Endpoint, Exposition, Relay, SinkConfig, SpoolConfig};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

const LXD: &str = include_str!("fixtures/lxd-5.0.txt");
const SAMPLES: usize = 99;

struct Prometheus {
    address: SocketAddr,
    process: Child,
}

impl Prometheus {
    async fn start(address: SocketAddr, folder: &Path) -> Self {
        let program = std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".to_owned());
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, "global: {}\n").unwrap();
        let process = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-remote-write-receiver")
            .stderr(Stdio::null())
            .spawn()
            .expect("the program prometheus");
        let prometheus = Self { address, process };
        prometheus
            .until("it is ready", async || {
                let ready = reqwest::get(format!("http://{address}/-/ready")).await;
                ready.is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        prometheus
    }

    /// Prometheus tells nobody of what it takes: it has to be asked until it has it.
    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        for _ in 0..600 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what}: it never came");
    }

    async fn query(&self, query: &str, at: UnixMillis) -> Vec<Value> {
        let url = format!("http://{}/api/v1/query", self.address);
        let (seconds, millis) = (at.0 / 1000, at.0 % 1000);
        let time = format!("{seconds}.{millis:03}");
        let url = Url::parse_with_params(&url, [("query", query), ("time", &time)]).unwrap();
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{text}")).clone()
    }

    async fn number(&self, query: &str, at: UnixMillis) -> String {
        let result = self.query(query, at).await;
        result.first().map_or("none", |sample| sample["value"][1].as_str().unwrap()).to_owned()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn relay(address: SocketAddr, spool: &Path) -> Relay {
    let endpoint = Endpoint {
        url: format!("http://{address}/api/v1/write").parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_secs(5),
    };
    let backoff =
        Backoff { first: Duration::from_millis(20), most: Duration::from_millis(200), breaks_after: 5 };
    let spool = SpoolConfig { directory: spool.to_owned(), bytes: 64 << 20 };
    let mut config =
        Config::new(vec![SinkConfig { backoff, spool: Some(spool), ..SinkConfig::new("a", endpoint) }]);
    config.packing.linger = Duration::from_millis(20);
    Relay::start(config).unwrap()
}

fn beat(relay: &Relay, member: &str, at: UnixMillis, text: &str) {
    relay.accept(Exposition {
        cluster: ClusterName::new("paris-1").unwrap(),
        member: member.to_owned(),
        service: "LXD".to_owned(),
        received: at,
        escaped: text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").into(),
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program prometheus"]
async fn a_real_prometheus_takes_and_keeps_what_is_relayed() {
    let folder = TempDir::new().unwrap();
    let spool = folder.path().join("spool");
    let address = free_address();
    let begun = UnixMillis::now().minus(Duration::from_mins(40));
    let minute = |number: u64| begun.plus(Duration::from_mins(number));
    let prometheus = Prometheus::start(address, folder.path()).await;

    // Two members of one cluster, with equal series.
    let first = relay(address, &spool);
    for member in ["node-1", "node-2"] {
        beat(&first, member, minute(0), LXD);
    }
    let all = (2 * SAMPLES) as u64;
    prometheus.until("two members", async || first.counts().sent("a") == all).await;
    assert_eq!(prometheus.number("count({job='paris-1'})", minute(0)).await, "198");
    let one = "lxd_procs_total{member='node-2',instance='node-2',name='web-2',project='default'}";
    assert_eq!(prometheus.number(one, minute(0)).await, "2");

    // A series out of order is dropped alone.
    let odd = format!("{LXD}odd 1 {}\n", minute(1).0);
    beat(&first, "node-1", minute(1), &odd);
    let odd = format!("{LXD}odd 2 {}\n", minute(0).0);
    beat(&first, "node-1", minute(2), &odd);
    prometheus.until("a bad series", async || first.counts().dropped("a", Cause::Refused) == 1).await;
    prometheus.until("all others", async || first.counts().sent("a") == all + 2 * SAMPLES as u64 + 1).await;
    assert_eq!(prometheus.number("count({member='node-1'} offset -1s)", minute(2)).await, "100");

    // It is killed; so is the relay, as far as that can be done to a part of a process.
    prometheus.kill();
    for number in 3..13 {
        beat(&first, "node-1", minute(number), LXD);
    }
    let handed_over = all + (12 * SAMPLES) as u64 + 2;
    while first.counts().handed_over() < handed_over {
        tokio::task::yield_now().await;
    }
    first.shut_down(Duration::from_millis(100)).await;
    let second = relay(address, &spool);
    for number in 13..20 {
        beat(&second, "node-1", minute(number), LXD);
    }
    let prometheus = Prometheus::start(address, folder.path()).await;
    let waited = (17 * SAMPLES) as u64;
    prometheus.until("what waited", async || second.counts().sent("a") == waited).await;
    let each = "count(count_over_time(lxd_procs_total{member='node-1'}[21m]) == 20)";
    assert_eq!(prometheus.number(each, minute(20)).await, "3");

    // The cluster leaves: its series end at once, not after five minutes.
    let last = UnixMillis::now();
    beat(&second, "node-1", last, LXD);
    prometheus.until("the last", async || second.counts().sent("a") == waited + SAMPLES as u64).await;
    assert_eq!(prometheus.number("count({member='node-1'})", last).await, "99");
    second.end(ClusterName::new("paris-1").unwrap());
    prometheus.until("the end", async || second.counts().sent("a") >= waited + 2 * SAMPLES as u64).await;
    assert_eq!(prometheus.query("{member='node-1'}", UnixMillis::now()).await, [] as [Value; 0]);
    second.shut_down(Duration::from_secs(10)).await;
}
