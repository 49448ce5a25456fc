//! Clusters of all kinds, with their reports and the time since their last heartbeat.

use std::sync::Arc;

use fleet::warning::Finding;
use fleet::{ClusterId, Severity, WarningKind};
use rand::RngExt as _;
use rand::rngs::StdRng;
use store::heartbeats::{NewHeartbeat, Presence};
use store::testing::{empty_database, execute, store};
use store::{HeartbeatWriter, Store};

/// A store whose service clock does not run, because no unit accepts heartbeats, so that limits are met exactly.
pub async fn store_with(clusters: &[Made]) -> Store {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    let joined: String = clusters.iter().enumerate().map(|(number, made)| made.joined(number)).collect();
    execute(&options, &joined).await.unwrap();
    report(&store, clusters).await;
    let mut sql = "UPDATE connector_presence
        SET accepting_until = date_trunc('second', now() - interval '1 hour'), outage_seconds = 1234.567891;"
        .to_owned();
    sql.extend(clusters.iter().enumerate().map(|(number, made)| made.silenced(number)));
    execute(&options, &sql).await.unwrap();
    store
}

/// Stores their reports through the writer.
pub async fn report(store: &Store, clusters: &[Made]) {
    let writer = HeartbeatWriter::start(store.clone(), Arc::new(Presence::new(store.clone())));
    let heartbeats =
        clusters.iter().enumerate().filter(|(_, made)| made.report != "{}").map(|(number, made)| {
            let protocol::Heartbeat { details, misfits, .. } =
                protocol::Heartbeat::parse(made.report.as_bytes()).unwrap();
            let mut findings = fleet::warning::findings(&details, &misfits, fleet::Thresholds::default());
            // As the relay does for a cluster with too many metrics.
            findings.extend((number % 7 == 0).then(|| Finding {
                kind: WarningKind::Metrics,
                subject: "series".to_owned(),
                severity: Severity::Warning,
                text: "too many series".to_owned(),
            }));
            writer.write(NewHeartbeat {
                cluster: ClusterId(i32::try_from(number).unwrap()),
                details,
                findings,
            })
        });
    for outcome in futures_util::future::join_all(heartbeats).await {
        outcome.unwrap();
    }
}

/// A cluster of a test.
pub struct Made {
    pub name: String,
    pub description: String,
    /// The time since its last heartbeat, in microseconds.
    pub silence: i64,
    /// The gaps between its heartbeats, in microseconds.
    pub gaps: Vec<i64>,
    pub has_reported: bool,
    pub report: String,
    pub certificate_days: i64,
    pub joined_days: u32,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            name: "a".to_owned(),
            description: String::new(),
            silence: 0,
            gaps: vec![],
            has_reported: true,
            report: "{}".to_owned(),
            certificate_days: 1000,
            joined_days: 1,
        }
    }
}

impl Made {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn joined(&self, number: usize) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        format!(
            "INSERT INTO remote_clusters (id, uid, name, description, cluster_certificate, certificate_fingerprint,
                certificate_not_before, certificate_not_after, joined_at)
            VALUES ({number}, gen_random_uuid(), {}, {}, 'pem', sha256('{number}'), now(),
                now() + interval '1 day' * {}, date_trunc('day', now()) - interval '1 day' * {});
            INSERT INTO remote_cluster_details (remote_cluster_id) VALUES ({number});
            INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at) VALUES ({number}, now());",
            quoted(&self.name),
            quoted(&self.description),
            self.certificate_days,
            self.joined_days,
        )
    }

    pub fn silenced(&self, number: usize) -> String {
        let gaps: Vec<String> = self.gaps.iter().map(|gap| format!("{gap} / 1e6")).collect();
        format!(
            "UPDATE remote_cluster_liveness SET recent_gaps = ARRAY[{}]::double precision[],
                heard_at = service - interval '1 microsecond' * {},
                last_heartbeat_at = CASE WHEN {} THEN service - interval '1 microsecond' * {} END
            FROM service_clock WHERE remote_cluster_id = {number};",
            gaps.join(", "),
            self.silence,
            self.has_reported,
            self.silence
        )
    }
}

/// A fleet of all kinds of clusters, with many equal values.
pub fn various(random: &mut StdRng, size: usize) -> Vec<Made> {
    let mut pick = |from: &[&str]| from[random.random_range(0..from.len())].to_owned();
    let mut made = Vec::new();
    for number in 0..size {
        let member = pick(&["Online", "ONLINE", "Offline", "Evacuated", "Blocked", "Ärger", "rest'less"]);
        let instance = pick(&["Running", "Stopped", "Frozen", "Error", "Thawing"]);
        let (count, load) = (pick(&["0", "1", "2"]), pick(&["", "0.5", "1.25", "7", "NaN"]));
        let (cpus, usage) = (pick(&["0", "4"]), pick(&["0", "40", "80", "81", "99"]));
        let ceph = pick(&["Online", "Warning", "Online"]);
        made.push(Made {
            name: format!("{}-{number}", pick(&["Zürich", "a%b", "a_b", "<img>", "🦀", "a/b", "B", "b", "'", "\\"])),
            description: pick(&["", "Keller ÄÖ", "100 %", "same", "same"]),
            silence: pick(&["-1000000", "0", "60000000", "120000000", "120000001", "300000000", "300000001"])
                .parse()
                .unwrap(),
            gaps: vec![],
            has_reported: pick(&["yes", "yes", "yes", "no"]) == "yes",
            report: format!(
                r#"{{"cpu_load_1":"{load}","cpu_total_count":{cpus},"memory_total_amount":100,"memory_usage":{usage},
                "member_statuses":[{{"status":"{member}","count":{count}}},{{"status":"Online","count":1}}],
                "instance_statuses":[{{"status":"{instance}","count":{count}}}],
                "ceph_statuses":[{{"status":"{ceph}","count":{count}}}],
                "storage_pool_usages":[{{"name":"p","member":"m","total":1000,"usage":{}}},
                    {{"name":"q","total":{},"usage":40}}]}}"#,
                pick(&["800", "801", "950", "951", "3"]),
                pick(&["0", "50", "100"]),
            ),
            certificate_days: pick(&["-1", "59", "61", "400"]).parse().unwrap(),
            joined_days: pick(&["1", "2", "3"]).parse().unwrap(),
        });
    }
    made
}
