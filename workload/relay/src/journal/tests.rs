//! A journal that is opened again after its process was killed.

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

/// The numbers of the expositions that a killed process left.
fn left(directory: &TempDir) -> Vec<u64> {
    open(directory).1.iter().map(|(number, _)| *number).collect()
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// Runs something while a directory is moved away.
fn while_away(folder: &Path, happens: impl FnOnce()) {
    let away = folder.with_extension("away");
    fs::rename(folder, &away).unwrap();
    happens();
    fs::rename(&away, folder).unwrap();
}

#[test]
fn expositions_are_recovered_in_order() {
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
    // New expositions come after the recovered ones.
    let (journal, _) = open(&directory);
    append(&journal, 3..5);
    drop(journal);
    assert_eq!(left(&directory), [0, 1, 2, 3, 4]);
}

#[test]
fn incomplete_record_costs_only_itself() {
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
        assert_eq!(left(&directory), [0, 1], "byte {at} is changed");
    }
    // A machine that crashed may leave zeros.
    fs::write(file, [&whole[..2 * length], &[0; 100]].concat()).unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 2..4);
    drop(journal);
    assert_eq!(left(&directory), [0, 1, 2, 3]);
}

#[test]
fn idle_journal_has_no_file() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..3);
    journal.mark_done(2);
    assert!(files(&directory).is_empty());
    append(&journal, 3..4);
    drop(journal);
    let (journal, left) = open(&directory);
    assert_eq!(left.len(), 1);
    journal.mark_done(3);
    assert!(files(&directory).is_empty());
    drop(journal);
    // There is no file either if everything that was left is spooled.
    let (journal, _) = open(&directory);
    append(&journal, 0..1);
    journal.mark_spooled(&[0]);
    drop(journal);
    assert_eq!(super::tests::left(&directory), [0; 0]);
    assert!(files(&directory).is_empty());
}

#[test]
fn file_is_removed_when_all_its_expositions_are_done() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    for number in 0..100 {
        append(&journal, number..number + 1);
        // The packer is three expositions behind.
        if let Some(read) = number.checked_sub(3) {
            journal.mark_done(read);
        }
        assert!(files(&directory).len() <= 4);
    }
    drop(journal);
    assert_eq!(left(&directory), [97, 98, 99]);
}

#[test]
fn spooled_expositions_are_not_recovered() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..6);
    journal.mark_spooled(&[4, 1]);
    // The record that an exposition is spooled is kept as long as the exposition, here in another file.
    journal.mark_done(0);
    journal.mark_spooled(&[2]);
    drop(journal);
    for _ in 0..2 {
        assert_eq!(left(&directory), [0, 3, 5]);
    }
    let (journal, _) = open(&directory);
    append(&journal, 6..7);
    journal.mark_spooled(&[0, 3]);
    drop(journal);
    let (journal, left) = open(&directory);
    assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 6]);
    journal.mark_done(5);
    assert_eq!(files(&directory).len(), 1);
    journal.mark_done(6);
    assert!(files(&directory).is_empty());
}

#[test]
fn failed_writes_are_counted_and_do_not_stop_the_journal() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("spool");
    let counts = RelayCounts::default();
    let (journal, _) = Journal::open(&folder, counts.clone()).unwrap();
    while_away(&folder, || {
        append(&journal, 0..2);
        journal.mark_spooled(&[0]);
    });
    assert_eq!(counts.journal_errors(), 3);
    // An exposition may be known only from the record that it is spooled. Its number is not reused.
    journal.mark_spooled(&[1]);
    drop(journal);
    let (journal, left) = Journal::open(&folder, counts.clone()).unwrap();
    assert!(left.is_empty());
    append(&journal, 2..3);
    drop(journal);
    assert_eq!(Journal::open(&folder, counts.clone()).unwrap().1.len(), 1);
    assert_eq!(counts.journal_errors(), 3);
}

#[test]
fn failed_record_is_written_with_the_next_one() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("spool");
    let counts = RelayCounts::default();
    let (journal, _) = Journal::open(&folder, counts.clone()).unwrap();
    append(&journal, 0..4);
    // Without a writer, the record needs a new file, which cannot be created while the directory is missing.
    journal.lock().writer = None;
    while_away(&folder, || journal.mark_spooled(&[0]));
    assert_eq!(counts.journal_errors(), 1);
    journal.mark_spooled(&[1]);
    drop(journal);
    let (_journal, left) = Journal::open(&folder, counts).unwrap();
    assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn unreadable_file_is_skipped() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(&directory);
    append(&journal, 0..2);
    drop(journal);
    // As root, the tests could read every file, but not a directory.
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
fn other_users_cannot_read_the_journal() {
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
fn second_process_cannot_open_the_journal() {
    let directory = TempDir::new().unwrap();
    let _held = open(&directory);
    let error = Journal::open(directory.path(), RelayCounts::default()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "another process uses it");
}
