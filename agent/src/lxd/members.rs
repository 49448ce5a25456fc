//! Reads the usage of one member: from its state if LXD has it, otherwise from its resources and storage pools.

use std::collections::BTreeMap;

use super::api::{
    self, LxdError, Member, MemberState, Pool, PoolResources, Resources, Server, Source, Space,
    percent_encode,
};
use crate::client::MetricsText;

/// The usage of one member. Memory is in bytes.
#[derive(Debug, Default)]
pub(super) struct MemberUsage {
    pub(super) cpus: u64,
    pub(super) memory_total: u64,
    pub(super) memory_used: u64,
    /// Unknown for other members of a cluster without the API extension `cluster_member_state`.
    pub(super) loads: Option<[f64; 3]>,
    pub(super) pools: BTreeMap<String, Space>,
    pub(super) metrics: Option<MetricsText>,
}

/// Reads the usage of a member. Figures that cannot be read are left out with a warning.
pub(super) async fn usage(
    source: &impl Source,
    server: &Server,
    member: &Member,
    pools: &[Pool],
) -> MemberUsage {
    let has_state = server.environment.server_clustered && server.has_extension("cluster_member_state");
    let result = if has_state {
        from_state(source, server, member).await
    } else {
        from_resources(source, server, member, pools).await
    };
    let mut usage = result.unwrap_or_else(|error| {
        tracing::warn!(member = member.server_name, %error, "cannot read the usage of a member");
        MemberUsage::default()
    });
    if server.has_extension("metrics") {
        match metrics(source, server, member).await {
            Ok(metrics) => usage.metrics = Some(metrics),
            Err(error) => {
                tracing::warn!(member = member.server_name, %error, "cannot read the metrics of a member");
            }
        }
    }
    usage
}

async fn from_state(source: &impl Source, server: &Server, member: &Member) -> Result<MemberUsage, LxdError> {
    let path = format!("/1.0/cluster/members/{}/state", percent_encode(&member.server_name));
    let MemberState { sysinfo, storage_pools } = api::get(source, &path).await?;
    let cpus = match sysinfo.logical_cpus {
        // Older servers leave it 0.
        0 => resources(source, server, member).await.map_or(0, |resources| resources.cpu.total),
        cpus => cpus,
    };
    let loads = <[f64; 3]>::try_from(sysinfo.load_averages).ok();
    Ok(MemberUsage {
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
) -> Result<MemberUsage, LxdError> {
    let Resources { cpu, memory } = resources(source, server, member).await?;
    let mut usage = MemberUsage {
        cpus: cpu.total,
        memory_total: memory.total,
        memory_used: memory.used,
        loads: is_local(server, member).then(|| source.local_loads()).flatten(),
        ..MemberUsage::default()
    };
    for pool in pools {
        let path =
            format!("/1.0/storage-pools/{}/resources{}", percent_encode(&pool.name), target(server, member));
        match api::get::<PoolResources>(source, &path).await {
            Ok(resources) => {
                usage.pools.insert(pool.name.clone(), resources.space);
            }
            Err(error) => {
                tracing::warn!(member = member.server_name, %error, "cannot read a storage pool of a member");
            }
        }
    }
    Ok(usage)
}

async fn resources(source: &impl Source, server: &Server, member: &Member) -> Result<Resources, LxdError> {
    api::get(source, &format!("/1.0/resources{}", target(server, member))).await
}

/// Reads the exposition of a member from the member itself, since LXD serves no other member's metrics.
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

/// The query that selects a member. A server without a cluster responds to any target with 404.
fn target(server: &Server, member: &Member) -> String {
    if server.environment.server_clustered {
        format!("?target={}", percent_encode(&member.server_name))
    } else {
        String::new()
    }
}
