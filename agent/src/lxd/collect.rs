//! Makes a report from LXD's responses.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use protocol::heartbeat::{Details, Load, StatusCount, StoragePoolUsage};

use super::api::{self, Instance, LxdError, Member, Pool, Server, Source};
use super::members::{self, MemberUsage};
use crate::client::Report;

/// The storage drivers whose pools are local to each member. The pools of other drivers are shared.
const LOCAL_STORAGE_DRIVERS: &[&str] = &["dir", "zfs", "btrfs", "lvm"];

/// Reads everything that a heartbeat reports. A member that cannot be read only contributes its status.
pub async fn collect(source: &impl Source) -> Result<Report, LxdError> {
    let server: Server = api::get(source, "/1.0").await?;
    let members = members(source, &server).await?;
    let instances: Vec<Instance> = api::list(source, "/1.0/instances?recursion=1&all-projects=true").await?;
    let pools: Vec<Pool> = api::list(source, "/1.0/storage-pools?recursion=1").await?;
    let reachable = members.iter().filter(|member| !member.status.eq_ignore_ascii_case("offline"));
    let usages = join_all(reachable.map(async |member| {
        let usage = members::usage(source, &server, member, &pools).await;
        (member.server_name.clone(), usage)
    }))
    .await;
    Ok(report(&server, &members, &instances, &pools, usages))
}

/// The members of the cluster. A server without a cluster is one member.
pub async fn members(source: &impl Source, server: &Server) -> Result<Vec<Member>, LxdError> {
    if server.environment.server_clustered {
        return api::list(source, "/1.0/cluster/members?recursion=1").await;
    }
    let server_name = server.environment.server_name.clone();
    Ok(vec![Member { server_name, url: String::new(), status: "Online".to_owned() }])
}

fn report(
    server: &Server,
    members: &[Member],
    instances: &[Instance],
    pools: &[Pool],
    usages: Vec<(String, MemberUsage)>,
) -> Report {
    let sum = |figure: fn(&MemberUsage) -> u64| {
        let sum: u64 = usages.iter().map(|(_, usage)| figure(usage)).sum();
        i64::try_from(sum).unwrap_or(i64::MAX)
    };
    let load = |index: usize| {
        let sum: f64 = usages.iter().filter_map(|(_, usage)| usage.loads).map(|loads| loads[index]).sum();
        Load::from_stored(format!("{sum:.2}"))
    };
    let details = Details {
        ceph_statuses: vec![],
        cpu_total_count: sum(|usage| usage.cpus),
        cpu_load_1: load(0),
        cpu_load_5: load(1),
        cpu_load_15: load(2),
        memory_total_amount: sum(|usage| usage.memory_total),
        memory_usage: sum(|usage| usage.memory_used),
        storage_pool_usages: pool_usages(pools, &usages),
        member_statuses: counts(members.iter().map(|member| member.status.as_str())),
        instance_statuses: counts(instances.iter().map(|instance| instance.status.as_str())),
        ui_url: server.ui_url(),
        cluster_uuid: String::new(),
    };
    let metrics = usages.into_iter().filter_map(|(_, usage)| usage.metrics).collect();
    Report { details, metrics }
}

/// Lists a local pool once per member, and a shared pool once without a member's name.
fn pool_usages(pools: &[Pool], usages: &[(String, MemberUsage)]) -> Vec<StoragePoolUsage> {
    let mut list = Vec::new();
    for pool in pools {
        let local = LOCAL_STORAGE_DRIVERS.contains(&pool.driver.as_str());
        let reported =
            usages.iter().filter_map(|(member, usage)| Some((member, usage.pools.get(&pool.name)?)));
        for (member, space) in reported.take(if local { usize::MAX } else { 1 }) {
            list.push(StoragePoolUsage {
                name: pool.name.clone(),
                member: if local { member.clone() } else { String::new() },
                total: space.total,
                usage: space.used,
            });
        }
    }
    list
}

fn counts<'a>(statuses: impl Iterator<Item = &'a str>) -> Vec<StatusCount> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for status in statuses {
        *counts.entry(status).or_default() += 1;
    }
    counts.into_iter().map(|(status, count)| StatusCount { status: status.to_owned(), count }).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use protocol::{Address, Fingerprint};

    use super::*;

    struct Recording {
        folder: &'static str,
        /// Paths and the files with their responses.
        responses: &'static [(&'static str, &'static str)],
        /// The members that respond with metrics over HTTPS.
        remote: &'static [&'static str],
    }

    impl Source for Recording {
        async fn get(&self, path: &str) -> Result<Bytes, LxdError> {
            let missing =
                LxdError::Refused { path: path.to_owned(), status: 404, error: "Not Found".to_owned() };
            let (_, file) = self.responses.iter().find(|(known, _)| *known == path).ok_or(missing)?;
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recorded");
            Ok(std::fs::read(format!("{folder}/{}/{file}", self.folder)).unwrap().into())
        }

        async fn get_from(&self, member: &Address, _: Fingerprint, path: &str) -> Result<Bytes, LxdError> {
            assert_eq!(path, "/1.0/metrics");
            assert!(self.remote.contains(&member.to_string().as_str()), "{member}");
            Ok(Bytes::from(format!("# {member}\n# EOF\n")))
        }

        fn local_loads(&self) -> Option<[f64; 3]> {
            Some([0.421, 0.3, 0.2])
        }
    }

    const STANDALONE: Recording = Recording {
        folder: "standalone",
        responses: &[
            ("/1.0", "server.json"),
            ("/1.0/instances?recursion=1&all-projects=true", "instances.json"),
            ("/1.0/storage-pools?recursion=1", "storage-pools.json"),
            ("/1.0/resources", "resources.json"),
            ("/1.0/storage-pools/default/resources", "storage-pool-default.json"),
            ("/1.0/metrics", "metrics.txt"),
        ],
        remote: &[],
    };

    const CLUSTER: Recording = Recording {
        folder: "cluster",
        responses: &[
            ("/1.0", "server.json"),
            ("/1.0/cluster/members?recursion=1", "members.json"),
            ("/1.0/instances?recursion=1&all-projects=true", "instances.json"),
            ("/1.0/storage-pools?recursion=1", "storage-pools.json"),
            ("/1.0/resources?target=m1", "resources-m1.json"),
            ("/1.0/resources?target=m2", "resources-m2.json"),
            ("/1.0/storage-pools/local/resources?target=m1", "storage-pool-local-m1.json"),
            ("/1.0/storage-pools/local/resources?target=m2", "storage-pool-local-m2.json"),
            ("/1.0/metrics", "../standalone/metrics.txt"),
        ],
        remote: &["127.0.0.2:28443"],
    };

    const CLUSTER_WITH_STATE: Recording = Recording {
        folder: "documented",
        responses: &[
            ("/1.0", "server.json"),
            ("/1.0/cluster/members?recursion=1", "members.json"),
            ("/1.0/instances?recursion=1&all-projects=true", "instances.json"),
            ("/1.0/storage-pools?recursion=1", "storage-pools.json"),
            ("/1.0/cluster/members/m1/state", "state-m1.json"),
            ("/1.0/cluster/members/m2/state", "state-m2.json"),
            ("/1.0/metrics", "../standalone/metrics.txt"),
        ],
        remote: &["10.0.0.2:8443"],
    };

    #[tokio::test]
    async fn standalone_server_recorded_from_lxd_5_0_2() {
        let report = collect(&STANDALONE).await.unwrap();
        insta::assert_json_snapshot!(report.details, @r#"
        {
          "ceph_statuses": [],
          "cpu_total_count": 2,
          "cpu_load_1": "0.42",
          "cpu_load_5": "0.30",
          "cpu_load_15": "0.20",
          "memory_total_amount": 25769803776,
          "memory_usage": 825413632,
          "storage_pool_usages": [
            {
              "name": "default",
              "member": "vm",
              "total": 270553174016,
              "usage": 14569091072
            }
          ],
          "member_statuses": [
            {
              "status": "Online",
              "count": 1
            }
          ],
          "instance_statuses": [
            {
              "status": "Running",
              "count": 2
            },
            {
              "status": "Stopped",
              "count": 1
            }
          ],
          "ui_url": "",
          "cluster_uuid": ""
        }
        "#);
        assert_eq!((report.metrics.len(), report.metrics[0].member.as_str()), (1, "vm"));
        assert!(report.metrics[0].metrics.starts_with("# HELP lxd_cpu_seconds_total"));
        assert!(protocol::Heartbeat::parse(&report.encode()).is_ok());
    }

    #[tokio::test]
    async fn cluster_of_two_recorded_from_lxd_5_0_2() {
        let report = collect(&CLUSTER).await.unwrap();
        insta::assert_json_snapshot!(report.details, @r#"
        {
          "ceph_statuses": [],
          "cpu_total_count": 4,
          "cpu_load_1": "0.42",
          "cpu_load_5": "0.30",
          "cpu_load_15": "0.20",
          "memory_total_amount": 51539607552,
          "memory_usage": 2298445824,
          "storage_pool_usages": [
            {
              "name": "local",
              "member": "m1",
              "total": 270553174016,
              "usage": 18681573376
            },
            {
              "name": "local",
              "member": "m2",
              "total": 270553174016,
              "usage": 18681581568
            }
          ],
          "member_statuses": [
            {
              "status": "Online",
              "count": 2
            }
          ],
          "instance_statuses": [],
          "ui_url": "https://127.0.0.1:28443",
          "cluster_uuid": ""
        }
        "#);
        let members: Vec<_> = report.metrics.iter().map(|metrics| metrics.member.as_str()).collect();
        assert_eq!(members, ["m1", "m2"], "each member is asked directly");
    }

    #[tokio::test]
    async fn cluster_with_member_state_from_the_api_documentation() {
        let report = collect(&CLUSTER_WITH_STATE).await.unwrap();
        insta::assert_json_snapshot!(report.details, @r#"
        {
          "ceph_statuses": [],
          "cpu_total_count": 16,
          "cpu_load_1": "1.00",
          "cpu_load_5": "0.50",
          "cpu_load_15": "0.25",
          "memory_total_amount": 32000000000,
          "memory_usage": 12000000000,
          "storage_pool_usages": [
            {
              "name": "local",
              "member": "m1",
              "total": 9000,
              "usage": 1000
            },
            {
              "name": "local",
              "member": "m2",
              "total": 9000,
              "usage": 2000
            },
            {
              "name": "remote",
              "member": "",
              "total": 70000,
              "usage": 500
            }
          ],
          "member_statuses": [
            {
              "status": "Evacuated",
              "count": 1
            },
            {
              "status": "Offline",
              "count": 1
            },
            {
              "status": "Online",
              "count": 1
            }
          ],
          "instance_statuses": [
            {
              "status": "Error",
              "count": 1
            },
            {
              "status": "Running",
              "count": 2
            }
          ],
          "ui_url": "https://10.0.0.1:8443",
          "cluster_uuid": ""
        }
        "#);
        let members: Vec<_> = report.metrics.iter().map(|metrics| metrics.member.as_str()).collect();
        assert_eq!(members, ["m1", "m2"], "the offline member is not asked");
    }

    #[tokio::test]
    async fn unreadable_figures_are_left_out() {
        let responses = &STANDALONE.responses[..3];
        let report = collect(&Recording { responses, ..STANDALONE }).await.unwrap();
        assert_eq!(report.details.instance_count(), 3);
        assert_eq!(report.details.memory_total_amount, 0);
        assert_eq!(report.metrics, []);
    }

    #[tokio::test]
    async fn unreadable_server_is_an_error() {
        let error = collect(&Recording { responses: &[], ..STANDALONE }).await.unwrap_err();
        assert_eq!(error.to_string(), "LXD responded to /1.0 with 404: Not Found");
    }
}
