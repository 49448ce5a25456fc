//! Whose expositions wait, whose are dropped, and in which order they are parsed.

use super::*;

const SMALL: usize = 1000;

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

fn exposition_of(cluster: &str, number: i64, bytes: usize) -> Work {
    let exposition = Exposition {
        cluster: name(cluster),
        member: "node-1".to_owned(),
        service: "LXD".to_owned(),
        received: UnixMillis(number),
        escaped: vec![b'x'; bytes].into(),
    };
    Work::Read(Received { exposition, number: None, report: number.unsigned_abs() })
}

fn exposition(number: i64, bytes: usize) -> Work {
    exposition_of("paris", number, bytes)
}

fn intake(all: usize, of_a_cluster: usize) -> (Intake, RelayCounts, Excess) {
    let (counts, excess) = (RelayCounts::default(), Excess::default());
    let limits = IntakeLimits { all, of_a_cluster };
    (Intake::new(limits, counts.clone(), excess.clone()), counts, excess)
}

/// Everything that waits, in the order in which it is parsed.
fn waiting(intake: &Intake) -> Vec<String> {
    let mut all = Vec::new();
    while let Next::Work(work) = intake.pop(Duration::ZERO) {
        all.push(match work {
            Work::Read(Received { exposition, .. }) => {
                format!("{} {}", exposition.cluster.as_str(), exposition.received.0)
            }
            Work::Complete(cluster, report, _) => format!("{} complete {report}", cluster.as_str()),
            Work::End(cluster, _) => format!("{} ends", cluster.as_str()),
            other => format!("{other:?}"),
        });
    }
    all
}

#[test]
fn oldest_expositions_are_dropped_and_counted() {
    let (intake, counts, _) = intake(3 * 1512, 3 * 1512);
    intake.push(exposition(1, 1000));
    intake.push(Work::End(name("rome"), UnixMillis(2)));
    for number in 3..=5 {
        intake.push(exposition(number, 1000));
    }
    assert_eq!(waiting(&intake), ["paris 3", "rome ends", "paris 4", "paris 5"]);
    assert_eq!(counts.expositions_dropped(Cause::ClusterBytes), 1);
}

#[test]
fn too_large_exposition_is_dropped_and_costs_no_other_cluster_anything() {
    let (intake, counts, excess) = intake(100_000, 50_000);
    intake.push(exposition_of("rome", 1, SMALL));
    intake.push(exposition_of("paris", 2, 60_000));
    assert_eq!(waiting(&intake), ["rome 1"]);
    assert_eq!(counts.expositions_dropped(Cause::ClusterBytes), 1);
    assert_eq!(excess.of(&name("paris")), [Budget::Bytes]);
    assert!(excess.of(&name("rome")).is_empty());
}

#[test]
fn heaviest_cluster_loses_and_small_ones_never() {
    let (intake, counts, _) = intake(200_000, 60_000);
    for number in 0..6 {
        intake.push(exposition_of("small", number, SMALL));
    }
    // Six clusters, each of which sends as much as it may, again and again.
    for number in 0..10 {
        for cluster in 0..6 {
            intake.push(exposition_of(&format!("heavy {cluster}"), number, 20_000));
        }
        intake.push(exposition_of(&format!("late {number}"), number, SMALL));
    }
    let left = waiting(&intake);
    assert_eq!(left.iter().filter(|work| work.starts_with("small")).count(), 6);
    assert_eq!(left.iter().filter(|work| work.starts_with("late")).count(), 10);
    let heavy = left.iter().filter(|work| work.starts_with("heavy")).count();
    assert!((6..10).contains(&heavy), "{left:?}");
    let dropped = [Cause::IntakeFull, Cause::ClusterBytes].map(|cause| counts.expositions_dropped(cause));
    assert_eq!(dropped.iter().sum::<u64>() + heavy as u64, 60);
}

#[test]
fn clusters_take_turns_by_bytes() {
    let (intake, ..) = intake(usize::MAX, usize::MAX);
    for number in 0..3 {
        intake.push(exposition_of("heavy", number, 100_000));
    }
    for number in 0..4 {
        intake.push(exposition_of("a", number, SMALL));
        intake.push(exposition_of("b", number, SMALL));
    }
    let order = ["heavy 0", "a 0", "b 0", "a 1", "b 1", "a 2", "b 2", "a 3", "b 3", "heavy 1", "heavy 2"];
    assert_eq!(waiting(&intake), order);
}

#[test]
fn cluster_that_was_just_served_does_not_come_first_again() {
    let (intake, ..) = intake(usize::MAX, usize::MAX);
    for number in 0..3 {
        intake.push(exposition_of("a", number, SMALL));
    }
    intake.push(exposition_of("heavy", 0, 100_000));
    let two: Vec<_> = (0..2).map(|_| intake.pop(Duration::ZERO)).collect();
    assert!(matches!(&two[1], Next::Work(Work::Read(read)) if read.exposition.cluster == name("heavy")));
    intake.push(exposition_of("heavy", 1, SMALL));
    assert_eq!(waiting(&intake), ["a 1", "a 2", "heavy 1"]);
}

#[test]
fn list_comes_after_everything_that_waited_before_it() {
    let (intake, ..) = intake(100_000, 3 * 1512);
    for number in 0..3 {
        intake.push(exposition_of("a", number, SMALL));
        intake.push(exposition_of("b", number, SMALL));
    }
    intake.push(Work::ListSilent(UnixMillis(0), oneshot::channel().0));
    for number in 0..3 {
        intake.push(exposition_of("c", number, SMALL));
        // Drops the oldest, which waited before the list.
        intake.push(exposition_of("a", number + 3, SMALL));
    }
    let order = waiting(&intake);
    let listed = order.iter().position(|work| work.starts_with("ListSilent")).unwrap();
    assert!((0..3).all(|number| order[..listed].contains(&format!("b {number}"))), "{order:?}");
    assert!(listed < order.len() - 1, "{order:?}");
}

#[test]
fn report_of_which_an_exposition_was_dropped_ends_no_member() {
    let (intake, ..) = intake(10_000, 10_000);
    intake.push(exposition(1, 6000));
    intake.push(Work::Complete(name("paris"), 1, UnixMillis(1)));
    intake.push(exposition(2, 6000));
    intake.push(exposition(2, 20_000));
    intake.push(Work::Complete(name("paris"), 2, UnixMillis(2)));
    intake.push(exposition(3, 1000));
    intake.push(Work::Complete(name("paris"), 3, UnixMillis(3)));
    assert_eq!(waiting(&intake), ["paris 2", "paris 3", "paris complete 3"]);
}

#[test]
fn exposition_counts_until_the_next_one_is_taken() {
    let (intake, counts, _) = intake(3000, 3000);
    intake.push(exposition_of("a", 1, 1500));
    assert!(matches!(intake.pop(Duration::ZERO), Next::Work(_)));
    intake.push(exposition_of("b", 2, 1500));
    assert_eq!(counts.expositions_dropped(Cause::IntakeFull), 1);
    assert!(matches!(intake.pop(Duration::ZERO), Next::TimedOut));
    intake.push(exposition_of("b", 3, 1500));
    assert_eq!(waiting(&intake), ["b 3"]);
}

#[test]
fn blocking_push_drops_nothing_and_keeps_the_order() {
    let (intake, counts, _) = intake(3 * 1512, usize::MAX);
    let numbers: Vec<i64> = std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..100).for_each(|number| intake.push_blocking(exposition(number, 1000)));
            // Larger than the limit: accepted when nothing else waits.
            intake.push_blocking(exposition(100, 100_000));
            intake.close();
        });
        let mut numbers = Vec::new();
        loop {
            match intake.pop(Duration::from_secs(3600)) {
                Next::Work(Work::Read(Received { exposition, .. })) => numbers.push(exposition.received.0),
                Next::Work(_) | Next::TimedOut => {}
                Next::Closed => return numbers,
            }
        }
    });
    assert_eq!(numbers, (0..=100).collect::<Vec<_>>());
    assert_eq!(counts.expositions_dropped(Cause::IntakeFull), 0);
}

#[test]
fn work_from_before_the_close_is_still_done() {
    let (intake, ..) = intake(1 << 20, 1 << 20);
    intake.push(exposition(1, 10));
    intake.close();
    intake.push(exposition(2, 10));
    assert_eq!(waiting(&intake), ["paris 1"]);
    assert!(matches!(intake.pop(Duration::from_secs(3600)), Next::Closed));
}
