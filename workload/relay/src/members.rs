//! The state of each member between expositions: when each group was last relayed, the timestamp of the last samples, and
//! its series, so that these can be ended.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::ClusterName;

use crate::known::{Fingerprint, KnownSeries};
use crate::labels::Origin;
use crate::service::Service;
use crate::time::UnixMillis;

/// The most expositions of one heartbeat, more than any cluster sends. It bounds the memory that one cluster can use.
const MAX_SERVICES_PER_CLUSTER: usize = 1024;

/// Identifies a service of a member, as long as its state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ServiceId(u64);

pub(crate) struct Members {
    clusters: HashMap<ClusterName, Cluster>,
    services: HashMap<ServiceId, Service>,
    next: u64,
    known_bytes: usize,
    /// The most bytes of known series of all clusters.
    max_known_bytes: usize,
}

/// A cluster, and how much all of its services use.
#[derive(Default)]
struct Cluster {
    members: BTreeMap<Box<str>, Vec<Named>>,
    services: usize,
    series: usize,
    known_bytes: usize,
}

/// A service of a member.
struct Named {
    service: Box<str>,
    id: ServiceId,
}

impl Members {
    /// At most this many bytes of known series are kept.
    pub(crate) fn new(max_known_bytes: usize) -> Self {
        Self { clusters: HashMap::new(), services: HashMap::new(), next: 0, known_bytes: 0, max_known_bytes }
    }

    /// Finds a service or adds it. `None` if its cluster has too many.
    pub(crate) fn find(
        &mut self,
        cluster: &ClusterName,
        member: &str,
        service: &str,
        new: impl FnOnce() -> Service,
    ) -> Option<ServiceId> {
        if !self.clusters.contains_key(cluster) {
            self.clusters.insert(cluster.clone(), Cluster::default());
        }
        let cluster = self.clusters.get_mut(cluster)?;
        let known = cluster.members.get(member).and_then(|services| named(services, service));
        if known.is_some() {
            return known;
        }
        if cluster.services == MAX_SERVICES_PER_CLUSTER {
            return None;
        }
        let id = ServiceId(self.next);
        self.next += 1;
        cluster.services += 1;
        let services = cluster.members.entry(member.into()).or_default();
        services.push(Named { service: service.into(), id });
        self.services.insert(id, new());
        Some(id)
    }

    pub(crate) fn get(&mut self, id: ServiceId) -> Option<&mut Service> {
        self.services.get_mut(&id)
    }

    /// Records an exposition of the report with this number. Returns the timestamp for its samples, which is later than
    /// those of earlier ones of the same member: two services of a member may have equal series.
    pub(crate) fn receive(
        &mut self,
        cluster: &ClusterName,
        id: ServiceId,
        received: UnixMillis,
        report: u64,
    ) -> UnixMillis {
        let Self { clusters, services, .. } = self;
        let Some(service) = services.get_mut(&id) else { return received };
        let at = service.receive(received, report);
        let member = clusters.get(cluster).and_then(|cluster| cluster.members.get(service.origin.member()));
        let siblings = || member.into_iter().flatten().map(|sibling| sibling.id);
        let last = siblings().filter(|sibling| *sibling != id);
        let last = last.filter_map(|sibling| services.get(&sibling)?.last_timestamp).max();
        let at = last.map_or(at, |last| at.max(last.plus(Duration::from_millis(1))));
        for sibling in siblings() {
            if let Some(service) = services.get_mut(&sibling) {
                service.last_timestamp = Some(at);
            }
        }
        at
    }

    /// Takes the series of a service, to compare an exposition with them. [`Self::remember`] puts them back.
    pub(crate) fn take_known(&mut self, cluster: &ClusterName, id: ServiceId) -> KnownSeries {
        let Some(service) = self.services.get_mut(&id) else { return KnownSeries::default() };
        let known = std::mem::take(&mut service.known);
        let bytes = known.bytes();
        self.known_bytes -= bytes;
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.known_bytes -= bytes;
            cluster.series -= std::mem::take(&mut service.series);
        }
        known
    }

    /// Remembers the series of a service, of which this many were relayed.
    pub(crate) fn remember(
        &mut self,
        cluster: &ClusterName,
        id: ServiceId,
        known: KnownSeries,
        series: usize,
    ) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let bytes = known.bytes();
        self.known_bytes += bytes;
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.known_bytes += bytes;
            cluster.series += series;
        }
        service.known = known;
        service.series = series;
    }

    /// The number of series of a cluster, without a service whose series were taken.
    pub(crate) fn series(&self, cluster: &ClusterName) -> usize {
        self.clusters.get(cluster).map_or(0, |cluster| cluster.series)
    }

    /// Whether a service whose known series were taken may remember this many bytes. To make room, the cluster with the most
    /// known series is forgotten if it has at least twice as many as this one: its series go on, but do not end here.
    pub(crate) fn has_room(&mut self, cluster: &ClusterName, bytes: usize) -> bool {
        while self.known_bytes + bytes > self.max_known_bytes {
            let own = self.clusters.get(cluster).map_or(0, |cluster| cluster.known_bytes) + bytes;
            let heaviest = self.clusters.iter().max_by_key(|(_, cluster)| cluster.known_bytes);
            let Some((name, _)) =
                heaviest.filter(|(name, other)| *name != cluster && other.known_bytes >= 2 * own)
            else {
                return false;
            };
            let name = name.clone();
            self.forget_series(&name);
        }
        true
    }

    fn forget_series(&mut self, name: &ClusterName) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        self.known_bytes -= std::mem::take(&mut cluster.known_bytes);
        for named in cluster.members.values().flatten() {
            if let Some(service) = self.services.get_mut(&named.id) {
                service.known = KnownSeries::default();
            }
        }
    }

    /// Whether a service of this member has a series.
    pub(crate) fn is_known(&self, cluster: &ClusterName, origin: &Origin, series: Fingerprint) -> bool {
        let services = self.clusters.get(cluster).and_then(|cluster| cluster.members.get(origin.member()));
        let mut services = services.into_iter().flatten().filter_map(|named| self.services.get(&named.id));
        services.any(|service| service.known.contains(series))
    }

    /// Removes a cluster and returns its services.
    pub(crate) fn remove(&mut self, cluster: &ClusterName) -> Vec<Service> {
        let Some(removed) = self.clusters.remove(cluster) else { return Vec::new() };
        self.known_bytes -= removed.known_bytes;
        let ids = removed.members.into_values().flatten();
        ids.filter_map(|named| self.services.remove(&named.id)).collect()
    }

    /// Removes and returns the services of a cluster that were not in its report with this number.
    pub(crate) fn remove_absent(&mut self, cluster: &ClusterName, report: u64) -> Vec<Service> {
        let Some(cluster) = self.clusters.get_mut(cluster) else { return Vec::new() };
        let removed = cluster.extract(&mut self.services, |service| service.last_report < report);
        self.release(&removed);
        removed
    }

    /// Removes and returns the services that were last reported this long before the last report of their cluster.
    pub(crate) fn remove_silent(&mut self, silent_after: Duration) -> Vec<(ClusterName, Vec<Service>)> {
        let mut all = Vec::new();
        for (name, cluster) in &mut self.clusters {
            let Some(last) = cluster.last_received(&self.services) else { continue };
            let is_silent = |service: &Service| last.since(service.last_received) >= silent_after;
            let removed = cluster.extract(&mut self.services, is_silent);
            if !removed.is_empty() {
                all.push((name.clone(), removed));
            }
        }
        for (_, removed) in &all {
            self.release(removed);
        }
        all
    }

    fn release(&mut self, removed: &[Service]) {
        self.known_bytes -= removed.iter().map(|service| service.known.bytes()).sum::<usize>();
    }

    /// Removes clusters that have not reported to this unit since that time. Another unit may receive their reports now.
    pub(crate) fn forget_before(&mut self, time: UnixMillis) {
        for cluster in self.silent_since(time) {
            self.remove(&cluster);
        }
    }

    /// The clusters that last reported before this time.
    pub(crate) fn silent_since(&self, time: UnixMillis) -> Vec<ClusterName> {
        let is_silent = |cluster: &Cluster| cluster.last_received(&self.services) < Some(time);
        self.clusters.iter().filter(|(_, cluster)| is_silent(cluster)).map(|(name, _)| name.clone()).collect()
    }

    /// The size of all known series, in bytes.
    pub(crate) fn known_bytes(&self) -> usize {
        self.known_bytes
    }
}

impl Cluster {
    fn last_received(&self, services: &HashMap<ServiceId, Service>) -> Option<UnixMillis> {
        let ids = self.members.values().flatten();
        ids.filter_map(|named| services.get(&named.id).map(|service| service.last_received)).max()
    }

    /// Removes and returns the services for which `is_gone` returns true.
    fn extract(
        &mut self,
        services: &mut HashMap<ServiceId, Service>,
        is_gone: impl Fn(&Service) -> bool,
    ) -> Vec<Service> {
        let mut removed = Vec::new();
        self.members.retain(|_, named| {
            let gone = named.extract_if(.., |named| services.get(&named.id).is_none_or(&is_gone));
            removed.extend(gone.map(|named| named.id));
            !named.is_empty()
        });
        self.services -= removed.len();
        let removed: Vec<_> = removed.iter().filter_map(|id| services.remove(id)).collect();
        self.series -= removed.iter().map(|service| service.series).sum::<usize>();
        self.known_bytes -= removed.iter().map(|service| service.known.bytes()).sum::<usize>();
        removed
    }
}

fn named(services: &[Named], service: &str) -> Option<ServiceId> {
    services.iter().find(|named| *named.service == *service).map(|named| named.id)
}

#[cfg(test)]
mod tests;
