//! A real Prometheus for one test, which accepts remote write and scrapes given targets.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::hub::free_port;
use crate::process::Program;
use crate::wait;

/// A running Prometheus; stopped when dropped.
pub struct Prometheus {
    port: u16,
    program: Program,
    folder: TempDir,
}

/// A killed Prometheus, with its data.
pub struct KilledPrometheus {
    port: u16,
    folder: TempDir,
}

impl KilledPrometheus {
    /// Starts it again on the same port and data.
    pub async fn start(self) -> Prometheus {
        Prometheus::start_at(self.port, self.folder, &[]).await
    }
}

impl Prometheus {
    /// The path of the program, if it is installed.
    pub fn installed() -> Option<PathBuf> {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join("prometheus")).find(|path| path.exists())
    }

    /// Starts one that scrapes these every second, and waits until it is ready.
    pub async fn start(scraped: &[(&str, SocketAddr)]) -> Self {
        Self::start_at(free_port(), tempfile::tempdir().unwrap(), scraped).await
    }

    /// Starts one that scrapes these jobs' addresses and paths every second, and waits until it is ready.
    pub async fn scraping(jobs: &[(String, SocketAddr, String)]) -> Self {
        let mut settings = settings(&[]);
        for (job, address, path) in jobs {
            let target = format!("static_configs: [{{targets: ['{address}']}}]");
            writeln!(settings, "- {{job_name: {job}, metrics_path: '{path}', {target}}}").unwrap();
        }
        Self::start_with(free_port(), tempfile::tempdir().unwrap(), &settings).await
    }

    /// Kills it. Its data stays.
    pub fn kill(self) -> KilledPrometheus {
        let Self { port, program, folder } = self;
        program.kill();
        KilledPrometheus { port, folder }
    }

    async fn start_at(port: u16, folder: TempDir, scraped: &[(&str, SocketAddr)]) -> Self {
        Self::start_with(port, folder, &settings(scraped)).await
    }

    async fn start_with(port: u16, folder: TempDir, settings: &str) -> Self {
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(Self::installed().expect("Prometheus is installed: tools/setup test"));
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--web.enable-remote-write-receiver");
        let prometheus = Self { port, program: Program::start(command), folder };
        wait::until("Prometheus is ready", Duration::from_secs(60), async || {
            let answer = reqwest::get(prometheus.url("/-/ready")).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        prometheus
    }

    /// Scrapes these targets from now on.
    pub fn scrape(&self, scraped: &[(&str, SocketAddr)]) {
        std::fs::write(self.folder.path().join("prometheus.yml"), settings(scraped)).unwrap();
        self.program.signal(Signal::HUP);
    }

    /// The URL for remote write.
    pub fn write_url(&self) -> String {
        self.url("/api/v1/write")
    }

    /// The URL of one of its paths.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The data of a response of its API.
    pub async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut url: url::Url = self.url(path).parse().unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = reqwest::get(url).await.unwrap();
        let text = answer.text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"));
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].clone()
    }

    /// The result of a query now: the labels and the value of each series.
    pub async fn query(&self, promql: &str) -> Vec<(Value, f64)> {
        self.query_at(promql, OffsetDateTime::now_utc()).await
    }

    /// The result of a query at this time.
    pub async fn query_at(&self, promql: &str, at: OffsetDateTime) -> Vec<(Value, f64)> {
        let seconds = (at.unix_timestamp_nanos() as f64 / 1e9).to_string();
        values(&self.api("/api/v1/query", &[("query", promql), ("time", &seconds)]).await)
    }
}

/// The result in a response to a query: the labels and the value of each series.
pub(crate) fn series(answer: &str) -> Vec<(Value, f64)> {
    let json: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(json["status"], "success", "{answer}");
    values(&json["data"])
}

fn values(data: &Value) -> Vec<(Value, f64)> {
    let series = data["result"].as_array().unwrap().iter();
    series
        .map(|series| (series["metric"].clone(), series["value"][1].as_str().unwrap().parse().unwrap()))
        .collect()
}

fn settings(scraped: &[(&str, SocketAddr)]) -> String {
    let mut settings = String::from("global: {scrape_interval: 1s}\nscrape_configs:\n");
    for (job, address) in scraped {
        writeln!(settings, "- {{job_name: {job}, static_configs: [{{targets: ['{address}']}}]}}").unwrap();
    }
    settings
}
