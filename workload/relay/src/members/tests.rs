//! Which members are kept, and what they may use.

use super::*;
use crate::known::{Comparison, Occurrence};
use crate::labels::{JobLabel, Origin};

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

fn find(members: &mut Members, cluster: &str, member: &str) -> Option<ServiceId> {
    let cluster = name(cluster);
    members.find(&cluster, member, "LXD", || Service::new(Origin::new(&cluster, member, JobLabel::Name), 0))
}

fn receive(members: &mut Members, cluster: &str, member: &str, at: i64, report: u64) -> Option<UnixMillis> {
    let id = find(members, cluster, member)?;
    Some(members.receive(&name(cluster), id, UnixMillis(at), report))
}

fn named(services: &[Service]) -> Vec<&str> {
    services.iter().map(|service| service.origin.member()).collect()
}

/// Lets a member expose this many series, each with labels of a kilobyte, as far as there is room for them.
fn expose(members: &mut Members, cluster: &str, member: &str, series: usize) {
    let id = find(members, cluster, member).unwrap();
    let cluster = name(cluster);
    let known = members.take_known(&cluster, id);
    let mut comparison = Comparison::default();
    comparison.begin(&known);
    for number in 0..series {
        let labels: Vec<u8> = (0..128_u64).flat_map(|n| (n ^ (number as u64 * 977)).to_ne_bytes()).collect();
        if let Occurrence::New(series) = comparison.note(&known, &labels) {
            let room = members.has_room(&cluster, known.bytes() + comparison.added_bytes() + 1024);
            comparison.add(series, &labels, room);
        }
    }
    let known = comparison.finish(known, |_, _| ());
    members.remember(&cluster, id, known, series);
}

fn known(members: &mut Members, cluster: &str, member: &str) -> usize {
    let id = find(members, cluster, member).unwrap();
    members.get(id).unwrap().known.count()
}

#[test]
fn timestamps_ascend_when_the_clock_is_set_back() {
    let mut members = Members::new(1 << 20);
    let stamps: Vec<_> =
        [1000, 900, 1000, 2000].map(|at| receive(&mut members, "paris", "a", at, 0).unwrap().0).into();
    assert_eq!(stamps, [1000, 1001, 1002, 2000]);
}

#[test]
fn member_that_its_cluster_no_longer_reports_is_removed() {
    let mut members = Members::new(1 << 20);
    for (cluster, member, at) in
        [("paris", "a", 0), ("paris", "b", 0), ("rome", "c", 0), ("paris", "a", 300_000)]
    {
        receive(&mut members, cluster, member, at, 0);
    }
    assert!(members.remove_silent(Duration::from_secs(301)).is_empty());
    let silent = members.remove_silent(Duration::from_secs(300));
    assert_eq!((&silent[0].0, named(&silent[0].1)), (&name("paris"), vec!["b"]));
    assert_eq!(named(&members.remove(&name("paris"))), ["a"]);
    assert_eq!(members.silent_since(UnixMillis(1)), [name("rome")]);
    assert_eq!(members.silent_since(UnixMillis(0)), []);
    members.forget_before(UnixMillis(1));
    assert_eq!(named(&members.remove(&name("rome"))), [""; 0]);
    assert!(members.services.is_empty());
}

#[test]
fn member_that_is_not_in_a_report_is_removed() {
    let mut members = Members::new(1 << 20);
    for (cluster, member, report) in
        [("paris", "a", 1), ("paris", "b", 1), ("rome", "c", 1), ("paris", "a", 2)]
    {
        receive(&mut members, cluster, member, 0, report);
    }
    assert_eq!(named(&members.remove_absent(&name("paris"), 1)), [""; 0]);
    assert_eq!(named(&members.remove_absent(&name("paris"), 2)), ["b"]);
    assert_eq!(named(&members.remove_absent(&name("paris"), 2)), [""; 0]);
}

#[test]
fn heaviest_cluster_is_forgotten_for_small_ones() {
    let mut members = Members::new(300 * 1024);
    expose(&mut members, "heavy", "a", 150);
    expose(&mut members, "heavy", "b", 500);
    assert_eq!(known(&mut members, "heavy", "a"), 150);
    let partly = known(&mut members, "heavy", "b");
    assert!((1..500).contains(&partly), "{partly}");
    assert!(members.known_bytes() <= 300 * 1024, "{}", members.known_bytes());
    for cluster in 0..20 {
        expose(&mut members, &format!("small {cluster}"), "a", 5);
    }
    assert_eq!(known(&mut members, "heavy", "a"), 0);
    for cluster in 0..20 {
        assert_eq!(known(&mut members, &format!("small {cluster}"), "a"), 5);
    }
    // It is remembered again as far as there is room, and takes none from others.
    expose(&mut members, "heavy", "a", 500);
    assert!(known(&mut members, "heavy", "a") > 50);
    assert!((0..20).all(|cluster| known(&mut members, &format!("small {cluster}"), "a") == 5));
    assert_eq!(members.series(&name("heavy")), 1000);
    for cluster in members.silent_since(UnixMillis(i64::MAX)) {
        members.remove(&cluster);
    }
    assert_eq!((members.known_bytes(), members.services.len()), (0, 0));
}

#[test]
fn number_of_members_of_one_cluster_is_limited() {
    let mut members = Members::new(1 << 20);
    let received = (0..2000).filter(|n| receive(&mut members, "paris", &n.to_string(), 0, 0).is_some());
    assert_eq!(received.count(), MAX_SERVICES_PER_CLUSTER);
    assert!(receive(&mut members, "paris", "7", 1, 0).is_some());
    assert!(receive(&mut members, "rome", "x", 1, 0).is_some());
}
