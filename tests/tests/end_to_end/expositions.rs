//! Random expositions, many of them damaged: the relay reads the same samples from them as Prometheus does.
//!
//! A real Prometheus scrapes each and receives it from the relay. `EXPOSITION_SEED` is the seed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use exposition::Parser;
use harness::{Prometheus, wait};
use protocol::ClusterName;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relay::counts::Cause;
use relay::time::UnixMillis;
use relay::{Config, Credentials, Endpoint, Exposition, Relay, SinkConfig};
use warp::Filter as _;

const EXPOSITIONS: usize = 250;
const TIMEOUT: Duration = Duration::from_secs(120);

/// What lines of an exposition may begin with, and what may separate their parts.
const BLANKS: &[&str] = &[" ", "  ", "\t", " \t "];
const NAMES: &[&str] =
    &["lxd_procs_total", "a", "_", "up:rate5m", ":x", "lxd_memory_MemTotal_bytes", "Z9_", "go_info"];
const LABELS: &[&str] = &["name", "project", "job", "instance", "exported_job", "le", "quantile", "_x", "a1"];
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "+1",
    "-0",
    "1.5",
    "1e3",
    "1E-3",
    ".5",
    "5.",
    "+Inf",
    "-Inf",
    "inf",
    "Infinity",
    "NaN",
    "nan",
    "12345678901234567890",
    "1.7976931348623157e308",
    "5e-324",
];
const NO_VALUES: &[&str] = &["1e400", "0x10", "1_000", "1e", "--1", "Na", "1,5"];
const TEXTS: &[&str] = &[
    "",
    "c1",
    "two words",
    r#"\""#,
    r"\\",
    r"\n",
    r"\x",
    "ü🦀",
    "{",
    "}",
    ",",
    "=",
    "#",
    "a\tb",
    r"\\n",
    "'",
];

struct Generator(StdRng);

impl Generator {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.0.random_range(0..from.len())]
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.0.random_ratio(1, chances)
    }

    fn blank(&mut self, chances: u32) -> &'static str {
        if self.one_in(chances) { self.pick(BLANKS) } else { "" }
    }

    /// A line with a sample, sometimes damaged.
    fn line(&mut self) -> String {
        let mut line = self.pick(NAMES).to_owned();
        line += self.blank(10);
        if !self.one_in(4) {
            line += "{";
            let count = self.0.random_range(0..4);
            // No name twice: the relay refuses that, and Prometheus keeps one of the two.
            let mut names = LABELS.to_vec();
            for number in 0..count {
                line += self.blank(10);
                line += names.swap_remove(self.0.random_range(0..names.len()));
                line += self.blank(10);
                line += "=";
                line += self.blank(10);
                line += "\"";
                line += self.pick(TEXTS);
                line += "\"";
                line += self.blank(10);
                if number + 1 < count || self.one_in(5) {
                    line += ",";
                }
            }
            line += "}";
        }
        line += if self.one_in(10) { "" } else { " " };
        line += self.blank(10);
        line += if self.one_in(15) { self.pick(NO_VALUES) } else { self.pick(VALUES) };
        line + self.blank(10)
    }

    fn comment(&mut self) -> String {
        let comments = [
            "# HELP a What it is.",
            "# TYPE a counter",
            "# TYPE lxd_procs_total gauge",
            "#",
            "# EOF",
            "# just so",
            "",
        ];
        comments[self.0.random_range(0..comments.len())].to_owned()
    }

    /// A few lines; in half of all expositions one of them is damaged.
    fn exposition(&mut self) -> String {
        let mut lines: Vec<_> = (0..self.0.random_range(1..6)).map(|_| self.line()).collect();
        if self.one_in(2) {
            let at = self.0.random_range(0..lines.len());
            // Only blanks before a line are accepted by the relay and not by Prometheus.
            let damaged = self.damaged(&lines[at]);
            damaged.trim_start().clone_into(&mut lines[at]);
        }
        if self.one_in(2) {
            let at = self.0.random_range(0..=lines.len());
            let comment = self.comment();
            lines.insert(at, comment);
        }
        lines.join("\n") + "\n"
    }

    fn damaged(&mut self, line: &str) -> String {
        let mut letters: Vec<char> = line.chars().collect();
        let at = self.0.random_range(0..letters.len());
        match self.0.random_range(0..3) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(
                at,
                self.pick(&["\"", "{", "}", "\\", " ", ",", "=", "#", "1", "é"]).chars().next().unwrap(),
            ),
            _ => letters.truncate(at + 1),
        }
        letters.into_iter().collect()
    }
}

/// The series of one exposition: their labels without those of their origin, and their values as
/// Prometheus writes them.
type Series = BTreeMap<BTreeMap<String, String>, String>;

/// The series of Prometheus for the jobs with this prefix, by the number after it.
async fn series(prometheus: &Prometheus, prefix: &str) -> BTreeMap<usize, Series> {
    let query = format!("{{job=~'{prefix}.*',__name__!~'up|scrape_.*'}}");
    let data = prometheus.api("/api/v1/query", &[("query", &query)]).await;
    let mut found: BTreeMap<usize, Series> = BTreeMap::new();
    for one in data["result"].as_array().unwrap() {
        let mut labels: BTreeMap<String, String> = serde_json::from_value(one["metric"].clone()).unwrap();
        let job = labels.remove("job").unwrap();
        labels.remove("instance");
        labels.remove("member");
        let value = one["value"][1].as_str().unwrap().to_owned();
        found.entry(job[prefix.len()..].parse().unwrap()).or_default().insert(labels, value);
    }
    found
}

/// Serves each exposition at its number.
async fn serve(expositions: Vec<String>) -> SocketAddr {
    let route = warp::path!(usize).map(move |number: usize| {
        warp::reply::with_header(expositions[number].clone(), "content-type", "text/plain; version=0.0.4")
    });
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(warp::serve(route).incoming(listener).run());
    address
}

fn relay(prometheus: &Prometheus) -> Relay {
    let endpoint = Endpoint {
        url: prometheus.write_url().parse().unwrap(),
        extra_ca_pem: None,
        credentials: Credentials::None,
        timeout: Duration::from_secs(10),
    };
    Relay::start(Config::new(vec![SinkConfig::new("a", endpoint)])).unwrap()
}

/// The number of lines that are samples, and of those that are neither samples nor comments.
fn read(text: &str) -> (usize, usize) {
    let (mut good, mut bad) = (0, 0);
    let mut parser = Parser::new(text.as_bytes());
    while let Some(line) = parser.next() {
        if line.is_ok() { good += 1 } else { bad += 1 }
    }
    (good, bad)
}

#[tokio::test(flavor = "multi_thread")]
async fn relayed_exposition_equals_scraped_exposition() {
    let seed = std::env::var("EXPOSITION_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut generator = Generator(StdRng::seed_from_u64(seed));
    let expositions: Vec<_> = (0..EXPOSITIONS).map(|_| generator.exposition()).collect();
    let address = serve(expositions.clone()).await;
    let jobs: Vec<_> =
        (0..EXPOSITIONS).map(|number| (format!("scraped-{number}"), address, format!("/{number}"))).collect();
    let prometheus = Prometheus::scraping(&jobs).await;
    wait::until("all are scraped", TIMEOUT, async || {
        prometheus
            .query("count(up{job=~'scraped-.*'})")
            .await
            .first()
            .is_some_and(|(_, n)| n.to_string() == EXPOSITIONS.to_string())
    })
    .await;
    let relay = relay(&prometheus);
    for (number, text) in expositions.iter().enumerate() {
        let quoted = serde_json::to_string(text).unwrap();
        relay.accept(Exposition {
            cluster: ClusterName::new(format!("relayed-{number}")).unwrap(),
            member: "m".to_owned(),
            service: "LXD".to_owned(),
            received: UnixMillis::now(),
            escaped: quoted[1..quoted.len() - 1].to_owned().into(),
        });
    }
    let counts = relay.counts().clone();
    relay.shut_down(TIMEOUT).await;
    assert_eq!(counts.dropped("a", Cause::Refused) + counts.dropped("a", Cause::RefusedTogether), 0);
    assert_eq!(counts.sent("a"), counts.queued(), "the sink did not take all");

    let (mut scraped, mut relayed) =
        (series(&prometheus, "scraped-").await, series(&prometheus, "relayed-").await);
    let mut refused = 0;
    for (labels, up) in prometheus.query("up{job=~'scraped-.*'}").await {
        let number: usize =
            labels["job"].as_str().unwrap().strip_prefix("scraped-").unwrap().parse().unwrap();
        let text = &expositions[number];
        let (good, bad) = read(text);
        let relayed = relayed.remove(&number).unwrap_or_default();
        assert!(relayed.len() <= good, "more series than samples of {text:?}: {relayed:?}");
        if up > 0.0 {
            assert_eq!(bad, 0, "Prometheus reads all of {text:?}");
            assert_eq!(relayed, scraped.remove(&number).unwrap_or_default(), "{text:?}");
        } else {
            // Prometheus takes nothing of a text with an invalid line; the relay takes the valid lines.
            refused += 1;
            assert!(bad > 0, "Prometheus does not read all of {text:?}, of which we take {relayed:?}");
        }
    }
    let alike = EXPOSITIONS - refused;
    println!("{alike} expositions are read alike; {refused} hold what neither Prometheus nor we can read");
}
