//! What a queue keeps, in which order, and what it drops.

use tempfile::TempDir;

use super::*;
use crate::counts::RelayCounts;

fn batch(number: u32) -> Batch {
    Batch {
        body: vec![u8::try_from(number % 256).unwrap(); 1000].into(),
        samples: number + 1,
        newest: UnixMillis(i64::from(number)),
    }
}

fn number(batch: &Batch) -> u32 {
    assert_eq!(batch.body, self::batch(batch.samples - 1).body);
    batch.samples - 1
}

fn queue(shards: u16, max_bytes: usize, spool: Option<(&TempDir, u64)>) -> (Queue, RelayCounts) {
    let counts = RelayCounts::default();
    let spool = spool.map(|(directory, bytes)| Spool::open(directory.path(), bytes).unwrap());
    (Queue::new(shards, max_bytes, spool, counts.of_sink("sink"), Excess::default()), counts)
}

/// The batches of a shard, each finished as soon as it is taken.
fn drained(queue: &Queue, shard: u16) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Some(batch) = queue.change(|state| state.take(usize::from(shard), &queue.counts)) {
        numbers.push(number(&batch));
        queue.finish(shard);
    }
    numbers
}

#[test]
fn shards_are_separate_and_in_order() {
    let (queue, _) = queue(2, 1 << 20, None);
    for number in 0..6 {
        queue.push(u16::from(number % 3 == 0), batch(number), None);
    }
    assert_eq!(drained(&queue, 1), [0, 3]);
    assert_eq!(drained(&queue, 0), [1, 2, 4, 5]);
    assert_eq!(queue.lock().memory_bytes, 0);
}

#[test]
fn full_queue_drops_the_oldest_batch_of_all_shards_except_those_in_flight() {
    let (queue, counts) = queue(2, 3000, None);
    queue.push(0, batch(0), None);
    assert_eq!(queue.lock().take(0, &queue.counts).as_ref().map(number), Some(0));
    for number in 1..5 {
        queue.push(u16::from(number % 2 == 0), batch(number), None);
    }
    queue.finish(0);
    assert_eq!(counts.dropped("sink", Cause::MemoryFull), 2 + 3);
    assert_eq!(drained(&queue, 0), [3]);
    assert_eq!(drained(&queue, 1), [4]);
    assert_eq!(queue.lock().memory_bytes, 0);
}

#[test]
fn batches_that_do_not_fit_into_memory_are_on_disk() {
    let directory = TempDir::new().unwrap();
    let (queue, counts) = queue(1, 3000, Some((&directory, 1 << 20)));
    for number in 0..100 {
        queue.push(0, batch(number), None);
        assert!(queue.lock().memory_bytes <= 3000);
    }
    assert_eq!(drained(&queue, 0), (0..100).collect::<Vec<_>>());
    assert_eq!(counts.dropped("sink", Cause::MemoryFull), 0);
}

#[test]
fn full_spool_drops_the_oldest_batches_and_counts_them() {
    let directory = TempDir::new().unwrap();
    let (queue, counts) = queue(2, 1 << 20, Some((&directory, 512 * 1024)));
    let mut samples = 0;
    for number in 0..1000 {
        samples += u64::from(number) + 1;
        queue.push(u16::from(number % 2 == 0), batch(number), None);
    }
    let mut left = [drained(&queue, 0), drained(&queue, 1)].concat();
    left.sort_unstable();
    assert!(left.len() > 400 && left.is_sorted_by(|a, b| a + 1 == *b) && left.last() == Some(&999));
    let left: u64 = left.iter().map(|number| u64::from(*number) + 1).sum();
    assert_eq!(counts.dropped("sink", Cause::SpoolFull), samples - left);
    assert_eq!(queue.lock().memory_bytes, 0);
}

#[test]
fn unfinished_batches_are_sent_again_after_a_restart() {
    let directory = TempDir::new().unwrap();
    for run in 0..3_u32 {
        let (queue, _) = queue(2, 1 << 20, Some((&directory, 1 << 20)));
        for number in 0..10 {
            queue.push(1, batch(run * 10 + number), None);
        }
        for _ in 0..4 {
            let taken = queue.lock().take(1, &queue.counts);
            assert!(taken.is_some());
            queue.finish(1);
        }
        // This batch is in flight when the process ends.
        let in_flight = queue.lock().take(1, &queue.counts);
        assert_eq!(in_flight.as_ref().map(number), Some(run * 4 + 4));
    }
    let (queue, _) = queue(2, 1 << 20, Some((&directory, 1 << 20)));
    assert_eq!(drained(&queue, 1), (12..30).collect::<Vec<_>>());
}

#[test]
fn old_batches_come_first_after_the_number_of_shards_changed() {
    let directory = TempDir::new().unwrap();
    {
        let (queue, _) = queue(3, 1 << 20, Some((&directory, 1 << 20)));
        for number in 0..6 {
            queue.push(u16::try_from(number % 3).unwrap(), batch(number), None);
        }
    }
    let (queue, _) = queue(2, 1 << 20, Some((&directory, 1 << 20)));
    queue.push(0, batch(6), None);
    queue.push(1, batch(7), None);
    assert_eq!(drained(&queue, 1), [0; 0]);
    assert_eq!(drained(&queue, 0), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(drained(&queue, 1), [7]);
}

#[tokio::test]
async fn waiting_shard_is_woken() {
    let directory = TempDir::new().unwrap();
    {
        let (queue, _) = queue(1, 1 << 20, Some((&directory, 1 << 20)));
        queue.push(0, batch(0), None);
    }
    let (queue, _) = queue(2, 1 << 20, Some((&directory, 1 << 20)));
    let second = async {
        let taken = number(&queue.take(1).await);
        queue.finish(1);
        taken
    };
    let first = async {
        queue.push(1, batch(1), None);
        tokio::task::yield_now().await;
        assert_eq!(number(&queue.take(0).await), 0);
        queue.finish(0);
    };
    let (second, (), ()) = tokio::join!(second, first, queue.emptied());
    assert_eq!(second, 1);
}
