//! A spool that is opened again after its process was killed.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn label(number: u64) -> Label {
    Label { shard: 1, shards: 4, number, newest: UnixMillis(7), samples: 3 }
}

fn body(number: u64) -> Vec<u8> {
    vec![u8::try_from(number % 251).unwrap(); 1000]
}

fn open(directory: &TempDir) -> (Spool, Vec<(Label, Location)>) {
    let (spool, recovered) = Spool::open(directory.path(), 2 << 20).unwrap();
    (spool, recovered.waiting)
}

fn numbers(waiting: &[(Label, Location)]) -> Vec<u64> {
    waiting.iter().map(|(label, _)| label.number).collect()
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

fn on_disk(directory: &TempDir) -> u64 {
    files(directory).iter().map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn unfinished_batches_are_recovered_in_order() {
    let directory = TempDir::new().unwrap();
    let (mut spool, waiting) = open(&directory);
    assert_eq!(waiting, []);
    let locations: Vec<_> =
        (0..10).map(|number| spool.append(label(number), &body(number)).unwrap()).collect();
    for number in [0, 1, 5] {
        spool.finish(number, &locations[usize::try_from(number).unwrap()]).unwrap();
    }
    drop(spool);

    for _ in 0..2 {
        let (spool, waiting) = open(&directory);
        assert_eq!(numbers(&waiting), [2, 3, 4, 6, 7, 8, 9]);
        for (label, location) in &waiting {
            assert_eq!(*label, super::tests::label(label.number));
            assert_eq!(spool.read(location).unwrap(), body(label.number));
        }
    }
}

#[test]
fn incomplete_record_costs_only_itself() {
    let directory = TempDir::new().unwrap();
    let (mut spool, _) = open(&directory);
    for number in 0..3 {
        spool.append(label(number), &body(number)).unwrap();
    }
    drop(spool);
    let file = &files(&directory)[0];
    let whole = fs::read(file).unwrap();
    for cut in [1, 999, 1001, 1039] {
        fs::write(file, &whole[..whole.len() - cut]).unwrap();
        assert_eq!(numbers(&open(&directory).1), [0, 1], "without the last {cut} bytes");
    }
    let (mut spool, _) = open(&directory);
    spool.append(label(3), &body(3)).unwrap();
    drop(spool);
    assert_eq!(numbers(&open(&directory).1), [0, 1, 3]);
}

#[test]
fn damaged_body_is_detected() {
    let directory = TempDir::new().unwrap();
    let (mut spool, _) = open(&directory);
    let location = spool.append(label(0), &body(0)).unwrap();
    let file = &files(&directory)[0];
    let mut bytes = fs::read(file).unwrap();
    bytes[500] ^= 1;
    fs::write(file, bytes).unwrap();
    assert_eq!(spool.read(&location).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn finished_batches_are_removed_from_disk() {
    let directory = TempDir::new().unwrap();
    let (mut spool, _) = open(&directory);
    let mut locations = VecDeque::new();
    for number in 0..2000 {
        locations.push_back((number, spool.append(label(number), &body(number)).unwrap()));
        if locations.len() > 10 {
            let (number, location) = locations.pop_front().unwrap();
            spool.finish(number, &location).unwrap();
        }
        assert!(files(&directory).len() <= 2);
    }
    assert_eq!(spool.bytes(), on_disk(&directory));
    drop(spool);
    assert_eq!(numbers(&open(&directory).1), (1990..2000).collect::<Vec<_>>());
}

#[test]
fn nothing_is_on_disk_when_all_batches_are_finished() {
    let directory = TempDir::new().unwrap();
    for run in 0..3 {
        let (mut spool, waiting) = open(&directory);
        for (label, location) in waiting {
            spool.finish(label.number, &location).unwrap();
        }
        assert_eq!((spool.bytes(), on_disk(&directory)), (0, 0));
        for round in 0..2 {
            let locations: Vec<_> = (0..200)
                .map(|number| number + 1000 * round + 10_000 * run)
                .map(|number| (number, spool.append(label(number), &body(number)).unwrap()))
                .collect();
            for (number, location) in &locations {
                assert_eq!(spool.read(location).unwrap(), body(*number));
                spool.finish(*number, location).unwrap();
            }
            assert_eq!((spool.bytes(), on_disk(&directory)), (0, 0));
        }
        spool.append(label(10_000 * run + 5000), &body(7)).unwrap();
        spool.append(label(10_000 * run + 5001), &body(7)).unwrap();
        drop(spool);
        let (_, waiting) = open(&directory);
        assert_eq!(numbers(&waiting), [10_000 * run + 5000, 10_000 * run + 5001]);
    }
}

#[test]
fn oldest_segment_is_removed_when_the_spool_is_full() {
    let directory = TempDir::new().unwrap();
    let (mut spool, _) = open(&directory);
    let mut removed = Vec::new();
    let mut first = None;
    for number in 0..3000 {
        let location = spool.append(label(number), &body(number)).unwrap();
        first.get_or_insert(location);
        removed.extend(std::iter::from_fn(|| spool.overflow()));
        assert!(spool.bytes() <= 2 << 20);
    }
    assert!(removed.is_sorted() && !removed.is_empty());
    // The batch was in flight while its segment was removed.
    spool.finish(0, &first.unwrap()).unwrap();
    drop(spool);
    let left = numbers(&open(&directory).1);
    assert_eq!(left.last(), Some(&2999));
    assert!(left.is_sorted() && left.len() > 1700, "{}", left.len());
}

#[test]
fn second_process_cannot_open_the_spool() {
    let directory = TempDir::new().unwrap();
    let _held = open(&directory);
    let error = Spool::open(directory.path(), 1).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "another process uses it");
}

#[test]
fn batch_numbers_are_not_reused() {
    let directory = TempDir::new().unwrap();
    let (mut spool, _) = open(&directory);
    spool.append(label(3), &body(3)).unwrap();
    let location = spool.append(label(9), &body(9)).unwrap();
    spool.finish(9, &location).unwrap();
    drop(spool);
    assert_eq!(Spool::open(directory.path(), 2 << 20).unwrap().1.next_number, 10);
}
