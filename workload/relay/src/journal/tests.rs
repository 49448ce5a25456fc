//! A journal is opened again as often as a process may be killed.

use std::path::PathBuf;

use protocol::ClusterName;
use tempfile::TempDir;

use super::*;
use crate::time::UnixMillis;

fn exposition(number: u64) -> Exposition {
    Exposition {
        cluster: ClusterName::new("paris").unwrap(),
        member: format!("node-{number}"),
        service: "LXD".to_owned(),
        received: UnixMillis(-5),
        escaped: format!("metric {number}\\n").into(),
    }
}

fn open(directory: &TempDir) -> (Journal, Vec<(u64, Exposition)>) {
    Journal::open(directory.path(), RelayCounts::default()).unwrap()
}

fn append(journal: &Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(journal.append(&exposition(number)), number);
    }
}

/// The numbers of what a killed process left.
fn left(directory: &TempDir) -> Vec<u64> {
    open(directory).1.iter().map(|(number, _)| *number).collect()
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// What happens while a folder is not to be found.
fn while_away(folder: &Path, happens: impl FnOnce()) {
    let away = folder.with_extension("away");
    fs::rename(folder, &away).unwrap();
    happens();
    fs::rename(&away, folder).unwrap();
}

#[test]
fn what_was_handed_in_is_there_again_whole_and_in_order() {
    let directory = TempDir::new().unwrap();
    let (journal, nothing) = open(&directory);
    assert!(nothing.is_empty());
    append(&journal, 0..3);
    drop(journal);
    for _ in 0..2 {
        let (_journal, left) = open(&directory);
        assert_eq!(left.len(), 3);
        for ((number, left), expected) in left.iter().zip(0..) {
            assert_eq!(*number, expected);
            assert_eq!(format!("{left:?}"), format!("{:?}", exposition(expected)));
        }
    }
    // What comes next comes after it.
    let (journal, _) = open(&directory);
    append(&journal, 3..5);
    drop(journal);
    assert_eq!(left(&directory), [0, 1, 2, 3, 4]);
}

#[test]
fn a_record_that_was_not_written_completely_costs_itself_alone() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..3);
    drop(journal);
    let file = &files(&directory)[0];
    let whole = fs::read(file).unwrap();
    let length = whole.len() / 3;
    for cut in [1, 9, length - 1] {
        fs::write(file, &whole[..whole.len() - cut]).unwrap();
        assert_eq!(left(&directory), [0, 1], "without the last {cut} bytes");
    }
    for at in 2 * length..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(file, changed).unwrap();
        assert_eq!(left(&directory), [0, 1], "byte {at} is another");
    }
    // A machine that ended suddenly may leave noughts.
    fs::write(file, [&whole[..2 * length], &[0; 100]].concat()).unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 2..4);
    drop(journal);
    assert_eq!(left(&directory), [0, 1, 2, 3]);
}

#[test]
fn at_rest_there_is_no_file() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..3);
    journal.done(2);
    assert!(files(&directory).is_empty());
    append(&journal, 3..4);
    drop(journal);
    let (journal, left) = open(&directory);
    assert_eq!(left.len(), 1);
    journal.done(3);
    assert!(files(&directory).is_empty());
    drop(journal);
    // Nor is there one where all of what was left is spooled.
    let (journal, _) = open(&directory);
    append(&journal, 0..1);
    journal.spooled(&[0]);
    drop(journal);
    assert_eq!(super::tests::left(&directory), [0; 0]);
    assert!(files(&directory).is_empty());
}

#[test]
fn a_file_goes_when_all_in_it_is_done() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    for number in 0..100 {
        append(&journal, number..number + 1);
        // The packer is some behind.
        if let Some(read) = number.checked_sub(3) {
            journal.done(read);
        }
        assert!(files(&directory).len() <= 4);
    }
    drop(journal);
    assert_eq!(left(&directory), [97, 98, 99]);
}

#[test]
fn what_is_spooled_does_not_come_again() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..6);
    journal.spooled(&[4, 1]);
    // What is said of an exposition is kept as long as it: here in another file.
    journal.done(0);
    journal.spooled(&[2]);
    drop(journal);
    for _ in 0..2 {
        assert_eq!(left(&directory), [0, 3, 5]);
    }
    let (journal, _) = open(&directory);
    append(&journal, 6..7);
    journal.spooled(&[0, 3]);
    drop(journal);
    let (journal, left) = open(&directory);
    assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 6]);
    journal.done(5);
    assert_eq!(files(&directory).len(), 1);
    journal.done(6);
    assert!(files(&directory).is_empty());
}

#[test]
fn where_it_cannot_be_written_it_is_counted_and_gone_on() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("spool");
    let counts = RelayCounts::default();
    let (journal, _) = Journal::open(&folder, counts.clone()).unwrap();
    while_away(&folder, || {
        append(&journal, 0..2);
        journal.spooled(&[0]);
    });
    assert_eq!(counts.journal_errors(), 3);
    // The news that one is spooled may be all that is known of it: no other gets its number.
    journal.spooled(&[1]);
    drop(journal);
    let (journal, left) = Journal::open(&folder, counts.clone()).unwrap();
    assert!(left.is_empty());
    append(&journal, 2..3);
    drop(journal);
    assert_eq!(Journal::open(&folder, counts.clone()).unwrap().1.len(), 1);
    assert_eq!(counts.journal_errors(), 3);
}

#[test]
fn what_could_not_be_noted_is_with_the_next_that_are() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("spool");
    let counts = RelayCounts::default();
    let (journal, _) = Journal::open(&folder, counts.clone()).unwrap();
    append(&journal, 0..4);
    // All in one file: with the folder away, the news would need another.
    journal.lock().writer = None;
    while_away(&folder, || journal.spooled(&[0]));
    assert_eq!(counts.journal_errors(), 1);
    journal.spooled(&[1]);
    drop(journal);
    let (_journal, left) = Journal::open(&folder, counts).unwrap();
    assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_file_that_cannot_be_read_keeps_nothing_else_from_being_read() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..2);
    drop(journal);
    // Whoever runs the tests as root may read every file, but no folder is one.
    fs::create_dir(directory.path().join(format!("{:020}.{EXTENSION}", 7))).unwrap();
    let counts = RelayCounts::default();
    let (journal, left) = Journal::open(directory.path(), counts.clone()).unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(counts.journal_errors(), 1);
    append(&journal, 2..3);
    drop(journal);
    assert_eq!(self::left(&directory), [0, 1, 2]);
}

#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("spool");
    let (journal, _) = Journal::open(&folder, RelayCounts::default()).unwrap();
    append(&journal, 0..1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o077;
    assert_eq!(mode(&folder), 0);
    for file in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0);
    }
}

#[test]
fn two_processes_cannot_share_one() {
    let directory = TempDir::new().unwrap();
    let _held = open(&directory);
    let error = Journal::open(directory.path(), RelayCounts::default()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "another process uses it");
}
