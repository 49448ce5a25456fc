//! The state of each member between expositions: when each group was last relayed, the timestamp of the last samples, and
//! the batches that contain its series, so that these can be ended.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::ClusterName;

use crate::filter::Group;
use crate::labels::Origin;
use crate::remote_write::Batch;
use crate::time::UnixMillis;

/// The most expositions of one heartbeat, more than any cluster sends. It bounds the memory that one cluster can use.
const MAX_SERVICES_PER_CLUSTER: usize = 1024;

/// Identifies a service of a member, as long as its state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ServiceId(u64);

/// The names of a member and of a service.
type Key = (String, String);

/// The most bytes of batches that are kept for ending series, counting each member's share in them: enough for 18 million
/// series. Series beyond it are not ended here; Prometheus ends them some minutes later.
const MAX_KEPT_BYTES: usize = 256 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct Members {
    clusters: HashMap<ClusterName, BTreeMap<Key, ServiceId>>,
    services: HashMap<ServiceId, Service>,
    next: u64,
    kept_bytes: usize,
}

/// The samples of one exposition in a batch.
pub(crate) struct Part {
    pub(crate) service: ServiceId,
    /// The number of the exposition among those of the service.
    pub(crate) exposition: u64,
    pub(crate) samples: u32,
    /// For each group, whether the part contains samples of it.
    pub(crate) groups: Vec<bool>,
}

/// The state of one service of one member.
pub(crate) struct Service {
    pub(crate) origin: Origin,
    last_received: UnixMillis,
    last_timestamp: Option<UnixMillis>,
    expositions: u64,
    /// The first entry is for series that are always relayed, the others are for the groups.
    groups: Vec<GroupState>,
}

#[derive(Clone, Default)]
struct GroupState {
    relayed: Option<UnixMillis>,
    exposition: u64,
    batches: Vec<Batch>,
    /// The service's share of the batches' bytes.
    bytes: usize,
}

impl Members {
    /// Finds a service or adds it. `None` if its cluster has too many.
    pub(crate) fn find(
        &mut self,
        cluster: &ClusterName,
        member: String,
        service: String,
        new: impl FnOnce() -> Service,
    ) -> Option<ServiceId> {
        if !self.clusters.contains_key(cluster) {
            self.clusters.insert(cluster.clone(), BTreeMap::new());
        }
        let services = self.clusters.get_mut(cluster)?;
        let key = (member, service);
        if let Some(id) = services.get(&key) {
            return Some(*id);
        }
        if services.len() == MAX_SERVICES_PER_CLUSTER {
            return None;
        }
        let id = ServiceId(self.next);
        self.next += 1;
        services.insert(key, id);
        self.services.insert(id, new());
        Some(id)
    }

    pub(crate) fn get(&mut self, id: ServiceId) -> Option<&mut Service> {
        self.services.get_mut(&id)
    }

    /// Keeps the batch that contains these samples instead of the batches of earlier expositions.
    pub(crate) fn keep(&mut self, batch: &Batch, part: &Part) {
        let Some(service) = self.services.get_mut(&part.service) else { return };
        let share = batch.body.len() * part.samples as usize / batch.samples.max(1) as usize;
        for (group, is_in_batch) in service.groups.iter_mut().zip(&part.groups) {
            if !is_in_batch {
                continue;
            }
            if group.exposition != part.exposition {
                self.kept_bytes -= std::mem::take(&mut group.bytes);
                group.exposition = part.exposition;
                group.batches.clear();
            }
            if self.kept_bytes + share <= MAX_KEPT_BYTES {
                self.kept_bytes += share;
                group.bytes += share;
                group.batches.push(batch.clone());
            }
        }
    }

    /// Removes a cluster and returns its services.
    pub(crate) fn remove(&mut self, cluster: &ClusterName) -> Vec<Service> {
        let ids = self.clusters.remove(cluster).unwrap_or_default();
        let removed: Vec<_> = ids.values().filter_map(|id| self.services.remove(id)).collect();
        self.release(&removed);
        removed
    }

    fn release(&mut self, removed: &[Service]) {
        self.kept_bytes -= removed.iter().map(Service::kept_bytes).sum::<usize>();
    }

    /// Removes and returns the services that were last reported this long before the last report of their cluster.
    pub(crate) fn remove_silent(&mut self, silent_after: Duration) -> Vec<Service> {
        let Self { clusters, services, .. } = self;
        let mut removed = Vec::new();
        for ids in clusters.values_mut() {
            let received = |id: &ServiceId| services.get(id).map(|service| service.last_received);
            let last = ids.values().filter_map(received).max();
            let silent = |id: &ServiceId| {
                last.zip(received(id)).is_none_or(|(last, received)| last.since(received) >= silent_after)
            };
            let gone: Vec<_> = ids.extract_if(.., |_, id| silent(id)).map(|(_, id)| id).collect();
            removed.extend(gone.iter().filter_map(|id| services.remove(id)));
        }
        self.release(&removed);
        removed
    }

    /// Removes clusters that have not reported to this unit since that time. Another unit may receive their reports now.
    pub(crate) fn forget_before(&mut self, time: UnixMillis) {
        for cluster in self.silent_since(time) {
            self.remove(&cluster);
        }
    }

    /// The clusters that last reported before this time.
    pub(crate) fn silent_since(&self, time: UnixMillis) -> Vec<ClusterName> {
        let received = |id: &ServiceId| self.services.get(id).map(|service| service.last_received);
        let is_silent = |ids: &BTreeMap<Key, ServiceId>| ids.values().filter_map(received).max() < Some(time);
        self.clusters.iter().filter(|(_, ids)| is_silent(ids)).map(|(name, _)| name.clone()).collect()
    }
}

impl Service {
    pub(crate) fn new(origin: Origin, groups: usize) -> Self {
        Self {
            origin,
            last_received: UnixMillis(i64::MIN),
            last_timestamp: None,
            expositions: 0,
            groups: vec![GroupState::default(); groups + 1],
        }
    }

    /// Records an exposition. Returns the timestamp for its samples, and its number.
    pub(crate) fn receive(&mut self, received: UnixMillis) -> (UnixMillis, u64) {
        self.last_received = self.last_received.max(received);
        self.expositions += 1;
        (self.stamp(received), self.expositions)
    }

    /// Returns this time, or the earliest later one that keeps the series in order, in case the clock was set back.
    pub(crate) fn stamp(&mut self, time: UnixMillis) -> UnixMillis {
        let next = self.last_timestamp.map(|last| last.plus(Duration::from_millis(1)));
        let timestamp = next.map_or(time, |next| next.max(time));
        self.last_timestamp = Some(timestamp);
        timestamp
    }

    /// Which groups are due at this time. The first entry is for series that are always relayed.
    pub(crate) fn due(&self, groups: &[Group], at: UnixMillis, due: &mut Vec<bool>) {
        due.clear();
        due.push(true);
        due.extend(
            groups
                .iter()
                .zip(&self.groups[1..])
                .map(|(group, state)| state.relayed.is_none_or(|last| at.since(last) >= group.interval)),
        );
    }

    /// Records that samples of these groups were relayed.
    pub(crate) fn relayed(&mut self, groups: &[bool], at: UnixMillis) {
        for (group, is_relayed) in self.groups.iter_mut().zip(groups) {
            if *is_relayed {
                group.relayed = Some(at);
            }
        }
    }

    fn kept_bytes(&self) -> usize {
        self.groups.iter().map(|group| group.bytes).sum()
    }

    /// The batches that contain the last relayed samples of its series.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.groups.iter().flat_map(|group| &group.batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::JobLabel;

    fn name(text: &str) -> ClusterName {
        ClusterName::new(text).unwrap()
    }

    fn receive(members: &mut Members, cluster: &str, member: &str, at: i64) -> Option<UnixMillis> {
        let cluster = name(cluster);
        let new = || Service::new(Origin::new(&cluster, member, JobLabel::Name), 0);
        let id = members.find(&cluster, member.to_owned(), "LXD".to_owned(), new)?;
        Some(members.get(id)?.receive(UnixMillis(at)).0)
    }

    fn named(services: &[Service]) -> Vec<&str> {
        services.iter().map(|service| service.origin.member()).collect()
    }

    #[test]
    fn timestamps_ascend_when_the_clock_is_set_back() {
        let mut members = Members::default();
        let stamps: Vec<_> =
            [1000, 900, 1000, 2000].map(|at| receive(&mut members, "paris", "a", at).unwrap().0).into();
        assert_eq!(stamps, [1000, 1001, 1002, 2000]);
    }

    #[test]
    fn member_that_its_cluster_no_longer_reports_is_removed() {
        let mut members = Members::default();
        for (cluster, member, at) in
            [("paris", "a", 0), ("paris", "b", 0), ("rome", "c", 0), ("paris", "a", 300_000)]
        {
            receive(&mut members, cluster, member, at);
        }
        assert_eq!(named(&members.remove_silent(Duration::from_secs(301))), [""; 0]);
        assert_eq!(named(&members.remove_silent(Duration::from_secs(300))), ["b"]);
        assert_eq!(named(&members.remove(&name("paris"))), ["a"]);
        assert_eq!(members.silent_since(UnixMillis(1)), [name("rome")]);
        assert_eq!(members.silent_since(UnixMillis(0)), []);
        members.forget_before(UnixMillis(1));
        assert_eq!(named(&members.remove(&name("rome"))), [""; 0]);
        assert!(members.services.is_empty());
    }

    #[test]
    fn kept_batches_are_counted_by_share_and_released() {
        let mut members = Members::default();
        let paris = name("paris");
        let batch = Batch { body: vec![0; 1000].into(), samples: 10, newest: UnixMillis(0) };
        let keep = |members: &mut Members, member: &str, exposition| {
            receive(members, "paris", member, 0);
            let service = members.clusters[&paris][&(member.to_owned(), "LXD".to_owned())];
            members.keep(&batch, &Part { service, exposition, samples: 3, groups: vec![true] });
        };
        keep(&mut members, "a", 1);
        keep(&mut members, "a", 1);
        keep(&mut members, "b", 1);
        assert_eq!(members.kept_bytes, 900);
        keep(&mut members, "a", 2);
        assert_eq!(members.kept_bytes, 600);
        let removed = members.remove(&paris);
        assert_eq!(removed.iter().flat_map(Service::batches).count(), 2);
        assert_eq!(members.kept_bytes, 0);
    }

    #[test]
    fn number_of_members_of_one_cluster_is_limited() {
        let mut members = Members::default();
        let received = (0..2000).filter(|n| receive(&mut members, "paris", &n.to_string(), 0).is_some());
        assert_eq!(received.count(), MAX_SERVICES_PER_CLUSTER);
        assert!(receive(&mut members, "paris", "7", 1).is_some());
        assert!(receive(&mut members, "rome", "x", 1).is_some());
    }
}
