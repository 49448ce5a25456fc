//! A real VictoriaMetrics for one test, which accepts remote write.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::hub::free_port;
use crate::process::Program;
use crate::wait;

/// A running VictoriaMetrics; stopped when dropped.
pub struct VictoriaMetrics {
    port: u16,
    _program: Program,
    _folder: TempDir,
}

impl VictoriaMetrics {
    /// Starts one that keeps one sample a millisecond of each series, and waits until it is ready.
    pub async fn start() -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let program = installed().expect("VictoriaMetrics is installed: tools/setup test");
        let mut command = Command::new(program);
        command.arg(format!("-storageDataPath={}", folder.path().display()));
        command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        // Queries must find samples at once, as they are now; a day of samples is enough for the longest soak.
        command.args(["-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s", "-search.disableCache"]);
        command.arg("-memory.allowedBytes=512MB");
        let victoria = Self { port, _program: Program::start(command), _folder: folder };
        wait::until("VictoriaMetrics is ready", Duration::from_secs(60), async || {
            let answer = reqwest::get(victoria.url("/health")).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        victoria
    }

    /// The URL for remote write.
    pub fn write_url(&self) -> String {
        self.url("/api/v1/write")
    }

    /// The result of a query now: the labels and the value of each series. It rounds times to full seconds.
    pub async fn query(&self, promql: &str) -> Vec<(Value, f64)> {
        // New samples can be found only after this.
        let flushed = reqwest::get(self.url("/internal/force_flush")).await.unwrap();
        assert!(flushed.status().is_success());
        let mut url: url::Url = self.url("/api/v1/query").parse().unwrap();
        url.query_pairs_mut().append_pair("query", promql);
        crate::prometheus::series(&reqwest::get(url).await.unwrap().text().await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// The path of the program, if it is installed.
fn installed() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join("victoria-metrics")).find(|path| path.exists())
}
