//! How clusters that send much share a queue with those that send little.

use tempfile::TempDir;

use super::*;
use crate::counts::RelayCounts;

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

/// A batch of one sample and a thousand bytes, of which the first four are its number.
fn batch(number: u32) -> Batch {
    let body = [&number.to_le_bytes()[..], &[0; 996]].concat();
    Batch { body: body.into(), samples: 1, newest: UnixMillis(i64::from(number)) }
}

fn queue(max_bytes: usize, spool: Option<(&TempDir, u64)>) -> (Queue, RelayCounts, Excess) {
    let (counts, excess) = (RelayCounts::default(), Excess::default());
    let spool = spool.map(|(directory, bytes)| Spool::open(directory.path(), bytes).unwrap());
    (Queue::new(1, max_bytes, spool, counts.of_sink("sink"), excess.clone()), counts, excess)
}

/// The numbers of all batches in the order in which they are sent.
fn drained(queue: &Queue) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Some(batch) = queue.change(|state| state.take(0, &queue.counts)) {
        numbers.push(u32::from_le_bytes(batch.body[..4].try_into().unwrap()));
        queue.finish(0);
    }
    let state = queue.lock();
    assert_eq!((state.memory_bytes, state.shards[0].owned, state.owners.is_empty()), (0, 0, true));
    numbers
}

#[test]
fn heaviest_cluster_loses_its_oldest_batches_and_others_lose_none() {
    let (queue, counts, excess) = queue(100_000, None);
    let heavy = [name("heavy"), name("heavier")];
    for number in 0..300 {
        match number % 10 {
            // A tenth of the batches is shared by many clusters.
            0 => queue.push(0, batch(number), None),
            1..=3 => queue.push(0, batch(number), Some(&heavy[0])),
            _ => queue.push(0, batch(number), Some(&heavy[1])),
        }
    }
    let left = drained(&queue);
    assert_eq!(left.len(), 100);
    assert_eq!(left.iter().filter(|number| *number % 10 == 0).count(), 30);
    let of_heavy = |range: std::ops::RangeInclusive<u32>| {
        left.iter().filter(|number| range.contains(&(*number % 10))).copied().collect::<Vec<_>>()
    };
    let [first, second] = [of_heavy(1..=3), of_heavy(4..=9)];
    assert!(first.len().abs_diff(second.len()) <= 2, "{} and {}", first.len(), second.len());
    assert_eq!((first.last(), second.last()), (Some(&293), Some(&299)));
    assert_eq!(counts.dropped("sink", Cause::ClusterQueue), 200);
    assert_eq!(counts.dropped("sink", Cause::MemoryFull), 0);
    assert_eq!(excess.of(&heavy[0]), [Budget::Queue]);
}

#[test]
fn oldest_batch_is_dropped_if_no_cluster_has_a_large_part() {
    let (queue, counts, _) = queue(100_000, None);
    for number in 0..150 {
        let owner = (number % 3 == 0).then(|| name(&format!("cluster {number}")));
        queue.push(0, batch(number), owner.as_ref());
    }
    let mut left = drained(&queue);
    left.sort_unstable();
    assert_eq!(left, (50..150).collect::<Vec<_>>());
    assert_eq!(counts.dropped("sink", Cause::MemoryFull), 50);
}

#[test]
fn shared_batches_and_those_of_heavy_clusters_take_turns() {
    let (queue, ..) = queue(1 << 20, None);
    let [a, b] = [name("a"), name("b")];
    for number in 0..6 {
        queue.push(0, batch(number), Some(&a));
    }
    for number in 6..8 {
        queue.push(0, batch(number), Some(&b));
    }
    for number in 8..11 {
        queue.push(0, batch(number), None);
    }
    assert_eq!(drained(&queue), [8, 0, 9, 6, 10, 1, 7, 2, 3, 4, 5]);
}

#[test]
fn batch_of_its_own_does_not_overtake_shared_ones_from_before() {
    let (queue, ..) = queue(1 << 20, None);
    let heavy = name("heavy");
    queue.push(0, batch(0), None);
    queue.push(0, batch(1), None);
    queue.push(0, batch(2), Some(&heavy));
    queue.push(0, batch(3), None);
    queue.push(0, batch(4), Some(&heavy));
    assert_eq!(drained(&queue), [0, 1, 2, 3, 4]);
}

#[test]
fn heavy_cluster_leaves_room_on_disk() {
    let directory = TempDir::new().unwrap();
    let (queue, counts, _) = queue(50_000, Some((&directory, 1 << 20)));
    let heavy = name("heavy");
    for number in 0..2000 {
        queue.push(0, batch(number), Some(&heavy));
    }
    for number in 2000..2400 {
        queue.push(0, batch(number), None);
    }
    let left = drained(&queue);
    assert_eq!(left.iter().filter(|number| **number >= 2000).count(), 400);
    assert_eq!(counts.dropped("sink", Cause::SpoolFull), 0);
    let lost = counts.dropped("sink", Cause::ClusterQueue);
    assert_eq!(left.len() as u64 + lost, 2400);
    assert!(lost > 1000, "{lost}");
}
