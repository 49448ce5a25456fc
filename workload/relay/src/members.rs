//! What is remembered of each member from one exposition to the next: when its groups were last relayed, which moment
//! its last samples were given, and in which batches its series were, so that they can be ended.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::ClusterName;

use crate::filter::Group;
use crate::labels::Origin;
use crate::remote_write::Batch;
use crate::time::UnixMillis;

/// More expositions than any cluster sends with one heartbeat. It bounds what one enrolled cluster can make us keep.
const MAX_SERVICES: usize = 1024;

/// A member's service, for as long as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ServiceId(u64);

/// A member's name and a service's.
type Key = (String, String);

/// The most bytes of batches that are kept for ending series, by each member's share in them. What is beyond it ends by
/// itself, some minutes later: 18 million series fit.
const MAX_KEPT: usize = 256 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct Members {
    clusters: HashMap<ClusterName, BTreeMap<Key, ServiceId>>,
    services: HashMap<ServiceId, Service>,
    next: u64,
    kept: usize,
}

/// What one exposition has in a batch.
pub(crate) struct Part {
    pub(crate) service: ServiceId,
    /// Which of the service's.
    pub(crate) exposition: u64,
    pub(crate) samples: u32,
    /// Of which turns.
    pub(crate) turns: Vec<bool>,
}

/// What is remembered of one service of one member.
pub(crate) struct Service {
    pub(crate) origin: Origin,
    heard: UnixMillis,
    stamped: Option<UnixMillis>,
    expositions: u64,
    /// By turn: 0 is what is always relayed, then the groups.
    turns: Vec<Turn>,
}

#[derive(Clone, Default)]
struct Turn {
    relayed: Option<UnixMillis>,
    exposition: u64,
    batches: Vec<Batch>,
    /// Its share of their bytes.
    bytes: usize,
}

impl Members {
    /// Finds a service, or remembers it from now on. None if its cluster has too many.
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
        if services.len() == MAX_SERVICES {
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

    /// Keeps the batch in which these samples are, instead of those of earlier expositions.
    pub(crate) fn keep(&mut self, batch: &Batch, part: &Part) {
        let Some(service) = self.services.get_mut(&part.service) else { return };
        let share = batch.body.len() * part.samples as usize / batch.samples.max(1) as usize;
        for (turn, is_in) in service.turns.iter_mut().zip(&part.turns) {
            if !is_in {
                continue;
            }
            if turn.exposition != part.exposition {
                self.kept -= std::mem::take(&mut turn.bytes);
                turn.exposition = part.exposition;
                turn.batches.clear();
            }
            if self.kept + share <= MAX_KEPT {
                self.kept += share;
                turn.bytes += share;
                turn.batches.push(batch.clone());
            }
        }
    }

    /// Forgets a cluster, and says what it had.
    pub(crate) fn remove(&mut self, cluster: &ClusterName) -> Vec<Service> {
        let ids = self.clusters.remove(cluster).unwrap_or_default();
        let removed: Vec<_> = ids.values().filter_map(|id| self.services.remove(id)).collect();
        self.release(&removed);
        removed
    }

    fn release(&mut self, removed: &[Service]) {
        self.kept -= removed.iter().map(Service::kept).sum::<usize>();
    }

    /// Forgets members that their cluster has no longer spoken of for so long, and says what they had.
    pub(crate) fn remove_silent(&mut self, patience: Duration) -> Vec<Service> {
        let Self { clusters, services, .. } = self;
        let mut removed = Vec::new();
        for ids in clusters.values_mut() {
            let heard = |id: &ServiceId| services.get(id).map(|service| service.heard);
            let last = ids.values().filter_map(heard).max();
            let silent = |id: &ServiceId| {
                last.zip(heard(id)).is_none_or(|(last, heard)| last.since(heard) >= patience)
            };
            let gone: Vec<_> = ids.extract_if(.., |_, id| silent(id)).map(|(_, id)| id).collect();
            removed.extend(gone.iter().filter_map(|id| services.remove(id)));
        }
        self.release(&removed);
        removed
    }

    /// Forgets clusters that were not heard since: another unit hears them now, or nobody.
    pub(crate) fn forget_before(&mut self, moment: UnixMillis) {
        for cluster in self.silent_since(moment) {
            self.remove(&cluster);
        }
    }

    /// The clusters that were last heard before this moment.
    pub(crate) fn silent_since(&self, moment: UnixMillis) -> Vec<ClusterName> {
        let heard = |id: &ServiceId| self.services.get(id).map(|service| service.heard);
        let is_silent = |ids: &BTreeMap<Key, ServiceId>| ids.values().filter_map(heard).max() < Some(moment);
        self.clusters.iter().filter(|(_, ids)| is_silent(ids)).map(|(name, _)| name.clone()).collect()
    }
}

impl Service {
    pub(crate) fn new(origin: Origin, groups: usize) -> Self {
        let turns = vec![Turn::default(); groups + 1];
        Self { origin, heard: UnixMillis(i64::MIN), stamped: None, expositions: 0, turns }
    }

    /// An exposition came. Says which moment its samples are given, and its number.
    pub(crate) fn hear(&mut self, received: UnixMillis) -> (UnixMillis, u64) {
        self.heard = self.heard.max(received);
        self.expositions += 1;
        (self.stamp(received), self.expositions)
    }

    /// The moment, or the next one that keeps the series in order: clocks are set back at times.
    pub(crate) fn stamp(&mut self, moment: UnixMillis) -> UnixMillis {
        let next = self.stamped.map(|last| last.plus(Duration::from_millis(1)));
        let stamp = next.map_or(moment, |next| next.max(moment));
        self.stamped = Some(stamp);
        stamp
    }

    /// Which turns have come, at this stamp.
    pub(crate) fn due(&self, groups: &[Group], at: UnixMillis, due: &mut Vec<bool>) {
        due.clear();
        due.push(true);
        due.extend(
            groups
                .iter()
                .zip(&self.turns[1..])
                .map(|(group, turn)| turn.relayed.is_none_or(|relayed| at.since(relayed) >= group.every)),
        );
    }

    /// Some of an exposition's samples were relayed: those of these turns.
    pub(crate) fn relayed(&mut self, turns: &[bool], at: UnixMillis) {
        for (turn, is_relayed) in self.turns.iter_mut().zip(turns) {
            if *is_relayed {
                turn.relayed = Some(at);
            }
        }
    }

    fn kept(&self) -> usize {
        self.turns.iter().map(|turn| turn.bytes).sum()
    }

    /// The batches with its series, as they were last relayed.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.turns.iter().flat_map(|turn| &turn.batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::JobLabel;

    fn name(text: &str) -> ClusterName {
        ClusterName::new(text).unwrap()
    }

    fn hear(members: &mut Members, cluster: &str, member: &str, at: i64) -> Option<UnixMillis> {
        let cluster = name(cluster);
        let new = || Service::new(Origin::new(&cluster, member, JobLabel::Name), 0);
        let id = members.find(&cluster, member.to_owned(), "LXD".to_owned(), new)?;
        Some(members.get(id)?.hear(UnixMillis(at)).0)
    }

    fn named(services: &[Service]) -> Vec<&str> {
        services.iter().map(|service| service.origin.member()).collect()
    }

    #[test]
    fn stamps_ascend_though_the_clock_is_set_back() {
        let mut members = Members::default();
        let stamps: Vec<_> =
            [1000, 900, 1000, 2000].map(|at| hear(&mut members, "paris", "a", at).unwrap().0).into();
        assert_eq!(stamps, [1000, 1001, 1002, 2000]);
    }

    #[test]
    fn a_member_that_its_cluster_no_longer_has_is_found() {
        let mut members = Members::default();
        for (cluster, member, at) in
            [("paris", "a", 0), ("paris", "b", 0), ("rome", "c", 0), ("paris", "a", 300_000)]
        {
            hear(&mut members, cluster, member, at);
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
    fn what_is_kept_is_counted_by_the_share_and_let_go() {
        let mut members = Members::default();
        let paris = name("paris");
        let batch = Batch { body: vec![0; 1000].into(), samples: 10, newest: UnixMillis(0) };
        let keep = |members: &mut Members, member: &str, exposition| {
            hear(members, "paris", member, 0);
            let service = members.clusters[&paris][&(member.to_owned(), "LXD".to_owned())];
            members.keep(&batch, &Part { service, exposition, samples: 3, turns: vec![true] });
        };
        keep(&mut members, "a", 1);
        keep(&mut members, "a", 1);
        keep(&mut members, "b", 1);
        assert_eq!(members.kept, 900);
        keep(&mut members, "a", 2);
        assert_eq!(members.kept, 600);
        let removed = members.remove(&paris);
        assert_eq!(removed.iter().flat_map(Service::batches).count(), 2);
        assert_eq!(members.kept, 0);
    }

    #[test]
    fn one_cluster_cannot_have_members_without_end() {
        let mut members = Members::default();
        let heard = (0..2000).filter(|n| hear(&mut members, "paris", &n.to_string(), 0).is_some());
        assert_eq!(heard.count(), MAX_SERVICES);
        assert!(hear(&mut members, "paris", "7", 1).is_some());
        assert!(hear(&mut members, "rome", "x", 1).is_some());
    }
}
