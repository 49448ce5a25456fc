//! What is known of a service after a row of expositions.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Reads an exposition with these series. Returns those that ended.
fn read(comparison: &mut Comparison, known: &mut KnownSeries, series: &[String]) -> Vec<String> {
    comparison.begin(known);
    for labels in series {
        if let Occurrence::New(fingerprint) = comparison.note(known, labels.as_bytes()) {
            comparison.add(fingerprint, labels.as_bytes(), true);
        }
    }
    let mut ended = Vec::new();
    let before = std::mem::take(known);
    *known = comparison.finish(before, |_, labels| ended.push(String::from_utf8(labels.to_vec()).unwrap()));
    ended
}

fn all(known: &KnownSeries) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    known.for_each(|labels| assert!(all.insert(String::from_utf8(labels.to_vec()).unwrap())));
    assert_eq!(all.len(), known.count());
    all
}

/// Labels as long as those of an LXD.
fn series(number: usize) -> String {
    let mode = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"][number % 8];
    format!(
        "__name__lxd_cpu_seconds_totalcpu{}instancenode-1jobparis-1membernode-1mode{mode}nameinstance-{:04}project\
         defaulttypecontainer",
        number / 8 % 4,
        number / 32
    )
}

#[test]
fn known_series_take_few_bytes() {
    let (mut comparison, mut known) = (Comparison::default(), KnownSeries::default());
    let exposed: Vec<_> = (0..32_000).map(series).collect();
    assert!(read(&mut comparison, &mut known, &exposed).is_empty());
    let bytes = known.bytes() / exposed.len();
    println!("{bytes} bytes per series, {} of labels", exposed[0].len());
    assert!(bytes <= 40, "{bytes}");
}

#[test]
fn small_changes_leave_few_blocks() {
    let (mut comparison, mut known) = (Comparison::default(), KnownSeries::default());
    for at in 0..500 {
        let exposed: Vec<_> = (at..at + 100).map(series).collect();
        let ended = read(&mut comparison, &mut known, &exposed);
        assert_eq!(ended.len(), usize::from(at > 0));
        assert_eq!(all(&known), exposed.into_iter().collect());
        assert!(known.blocks.len() <= 6);
    }
}

proptest! {
    #[test]
    fn each_series_that_is_no_longer_exposed_ends_once(
        expositions in proptest::collection::vec(proptest::collection::vec(0_usize..300, 0..300), 1..8)
    ) {
        let (mut comparison, mut known) = (Comparison::default(), KnownSeries::default());
        let mut before = BTreeSet::new();
        for exposition in expositions {
            let exposed: Vec<_> = exposition.into_iter().map(series).collect();
            let now: BTreeSet<_> = exposed.iter().cloned().collect();
            let mut ended = read(&mut comparison, &mut known, &exposed);
            ended.sort();
            let expected: Vec<_> = before.difference(&now).cloned().collect();
            prop_assert_eq!(ended, expected);
            prop_assert_eq!(&all(&known), &now);
            before = now;
        }
    }
}
