//! What one member has: by its state where LXD tells it, else piece by piece.

use std::collections::BTreeMap;

use super::api::{self, Member, MemberState, Pool, PoolResources, Resources, Server, Space, encoded};
use super::{LxdError, Source};
use crate::client::MetricsText;

/// The figures of one member.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) cpus: u64,
    pub(super) memory_total: u64,
    pub(super) memory_used: u64,
    /// Unknown for other members of a cluster whose LXD does not tell it.
    pub(super) loads: Option<[f64; 3]>,
    pub(super) pools: BTreeMap<String, Space>,
    pub(super) metrics: Option<MetricsText>,
}

/// Reads a member. What cannot be read is left out and logged: the rest of the report is still worth sending.
pub(super) async fn usage(source: &impl Source, server: &Server, member: &Member, pools: &[Pool]) -> Usage {
    let by_state = server.environment.server_clustered && server.has("cluster_member_state");
    let read = if by_state {
        from_state(source, server, member).await
    } else {
        from_resources(source, server, member, pools).await
    };
    let mut usage = read.unwrap_or_else(|error| {
        tracing::warn!(member = member.server_name, %error, "the member's usage cannot be read");
        Usage::default()
    });
    if server.has("metrics") {
        match metrics(source, server, member).await {
            Ok(metrics) => usage.metrics = Some(metrics),
            Err(error) => tracing::warn!(member = member.server_name, %error, "the metrics cannot be read"),
        }
    }
    usage
}

async fn from_state(source: &impl Source, server: &Server, member: &Member) -> Result<Usage, LxdError> {
    let path = format!("/1.0/cluster/members/{}/state", encoded(&member.server_name));
    let MemberState { sysinfo, storage_pools } = api::get(source, &path).await?;
    let cpus = match sysinfo.logical_cpus {
        // Older servers do not count them here.
        0 => resources(source, server, member).await.map_or(0, |resources| resources.cpu.total),
        cpus => cpus,
    };
    let loads = <[f64; 3]>::try_from(sysinfo.load_averages).ok();
    Ok(Usage {
        cpus,
        memory_total: sysinfo.total_ram,
        memory_used: sysinfo.total_ram.saturating_sub(sysinfo.free_ram).saturating_sub(sysinfo.buffered_ram),
        loads,
        pools: storage_pools.unwrap_or_default().into_iter().map(|(name, pool)| (name, pool.space)).collect(),
        metrics: None,
    })
}

async fn from_resources(
    source: &impl Source,
    server: &Server,
    member: &Member,
    pools: &[Pool],
) -> Result<Usage, LxdError> {
    let Resources { cpu, memory } = resources(source, server, member).await?;
    let mut usage = Usage {
        cpus: cpu.total,
        memory_total: memory.total,
        memory_used: memory.used,
        loads: is_local(server, member).then(|| source.local_loads()).flatten(),
        ..Usage::default()
    };
    for pool in pools {
        let path = format!("/1.0/storage-pools/{}/resources{}", encoded(&pool.name), target(server, member));
        match api::get::<PoolResources>(source, &path).await {
            Ok(resources) => {
                usage.pools.insert(pool.name.clone(), resources.space);
            }
            Err(error) => {
                tracing::warn!(member = member.server_name, %error, "a storage pool cannot be read");
            }
        }
    }
    Ok(usage)
}

async fn resources(source: &impl Source, server: &Server, member: &Member) -> Result<Resources, LxdError> {
    api::get(source, &format!("/1.0/resources{}", target(server, member))).await
}

/// LXD answers for another member's metrics to nobody: each is asked itself.
async fn metrics(source: &impl Source, server: &Server, member: &Member) -> Result<MetricsText, LxdError> {
    let path = "/1.0/metrics";
    let body = if is_local(server, member) {
        source.get(path).await?
    } else {
        let unreadable =
            |problem: String| LxdError::Unreadable { path: "/1.0/cluster/members".to_owned(), problem };
        let address = member.url.strip_prefix("https://").unwrap_or(&member.url).trim_end_matches('/');
        let address = address.parse().map_err(|error| unreadable(format!("{}: {error}", member.url)))?;
        let certificate = &server.environment.certificate_fingerprint;
        let certificate =
            certificate.parse().map_err(|error| unreadable(format!("{certificate}: {error}")))?;
        source.get_from(&address, certificate, path).await?
    };
    let metrics = String::from_utf8(body.to_vec())
        .map_err(|error| LxdError::Unreadable { path: path.to_owned(), problem: error.to_string() })?;
    Ok(MetricsText { member: member.server_name.clone(), service: "LXD".to_owned(), metrics })
}

fn is_local(server: &Server, member: &Member) -> bool {
    !server.environment.server_clustered || server.environment.server_name == member.server_name
}

/// A server without a cluster answers 404 to any target.
fn target(server: &Server, member: &Member) -> String {
    if server.environment.server_clustered {
        format!("?target={}", encoded(&member.server_name))
    } else {
        String::new()
    }
}
