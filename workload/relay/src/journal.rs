//! Expositions that are not in the spools yet, on disk, so that a killed process loses nothing that it accepted.
//!
//! Expositions are appended before they are parsed. When all their samples are in the sinks' spools, their file is removed,
//! even if a spool could not be written: such a batch is only in memory, and the queue logs that. An idle journal has no
//! file. So the journal never contains more than what waits to be parsed and what arrived within one or two
//! [linger times](crate::Packing::linger). Appended data survives the process immediately. The journal is not synced for a
//! crash of the machine: the spools are, some seconds later, and most files are removed before the kernel writes them.
//!
//! With every spooled batch, the journal records which expositions it completes. These are not read again. A process that
//! is killed before this record, or in the middle of an exposition that is spread over several batches, leaves samples
//! that are sent twice. They are the newest of their series, and sinks ignore a sample that they already have with the same
//! timestamp and value, whereas they may refuse older ones.

mod record;

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use record::Record;

use crate::counts::RelayCounts;
use crate::folder::Folder;
use crate::intake::Exposition;

/// The name cannot be that of a sink's directory, which is in the same place.
const LOCK: &str = ".lock";
const EXTENSION: &str = "journal";
/// The shortest time between two warnings that the journal cannot be written.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The journal. It numbers expositions in ascending order.
pub(crate) struct Journal {
    folder: Folder,
    state: Mutex<State>,
    counts: RelayCounts,
}

struct State {
    /// The files, the oldest first.
    files: VecDeque<JournalFile>,
    /// The last file. `None` if the next record begins a new one.
    writer: Option<File>,
    next_file: u64,
    next_exposition: u64,
    /// Spooled expositions that could not be recorded yet.
    unrecorded: Vec<u64>,
    buffer: Vec<u8>,
    last_warning: Option<Instant>,
}

struct JournalFile {
    number: u64,
    bytes: u64,
    /// The last exposition in the file. When it is done, the whole file is.
    last: u64,
}

impl Journal {
    /// Opens the journal in this directory or creates it. Returns the expositions that an earlier process had not spooled,
    /// in order. Fails if another process has it open.
    pub(crate) fn open(directory: &Path, counts: RelayCounts) -> io::Result<(Self, Vec<(u64, Exposition)>)> {
        let folder = Folder::open(directory, LOCK, EXTENSION)?;
        let mut state = State {
            files: VecDeque::new(),
            writer: None,
            next_file: 0,
            next_exposition: 0,
            unrecorded: Vec::new(),
            buffer: Vec::new(),
            last_warning: None,
        };
        let left = state.recover(&folder, &counts)?;
        let journal = Self { folder, state: Mutex::new(state), counts };
        if left.is_empty() {
            journal.mark_done(u64::MAX);
        }
        Ok((journal, left))
    }

    /// Appends an exposition. Returns its number, which it has even if it could not be written.
    pub(crate) fn append(&self, exposition: &Exposition) -> u64 {
        let mut state = self.lock();
        let number = state.next_exposition;
        state.next_exposition += 1;
        let encoded = record::write_exposition(number, exposition, &mut state.buffer);
        let written = encoded.and_then(|()| state.write(&self.folder, &exposition.escaped));
        self.report(&mut state, written);
        number
    }

    /// Records that all samples of these expositions are in the spools, so that they are not read again. If that cannot be
    /// written, it is written with the next record.
    pub(crate) fn mark_spooled(&self, expositions: &[u64]) {
        let mut state = self.lock();
        let State { unrecorded, buffer, .. } = &mut *state;
        unrecorded.extend_from_slice(expositions);
        let encoded = record::write_spooled(unrecorded, buffer);
        let written = encoded.and_then(|()| state.write(&self.folder, &[]));
        if written.is_ok() {
            state.unrecorded.clear();
        }
        self.report(&mut state, written);
    }

    /// Removes the files that only contain expositions up to this one, because these are in the spools. The next record
    /// begins a new file, so that the last one can be removed the next time.
    pub(crate) fn mark_done(&self, through: u64) {
        let gone: Vec<_> = {
            let mut state = self.lock();
            state.writer = None;
            state.unrecorded.retain(|number| *number > through);
            let gone = state.files.iter().take_while(|file| file.last <= through).count();
            state.files.drain(..gone).collect()
        };
        // Without the lock, because removing large files takes time. The oldest first, because the record that an
        // exposition is spooled is in the same file or in a later one.
        for file in gone {
            if let Err(error) = self.folder.remove(file.number) {
                tracing::warn!(%error, "cannot remove a file of the relay's journal");
            }
        }
    }

    fn report(&self, state: &mut State, written: io::Result<()>) {
        let Err(error) = written else { return };
        self.counts.journal_failed();
        if state.last_warning.is_none_or(|warning| warning.elapsed() >= WARNING_INTERVAL) {
            state.last_warning = Some(Instant::now());
            tracing::warn!(%error, "cannot write the relay's journal; metrics that are not spooled yet may be lost");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads each file up to the first damaged record, which is left when a process ends during a write. A file that cannot
    /// be read is skipped.
    fn recover(&mut self, folder: &Folder, counts: &RelayCounts) -> io::Result<Vec<(u64, Exposition)>> {
        let mut left = Vec::new();
        let mut spooled = HashSet::new();
        for number in folder.numbers()? {
            let mut rest = fs::read(folder.path(number)).map_or_else(
                |error| {
                    counts.journal_failed();
                    tracing::warn!(%error, number, "cannot read a file of the relay's journal; its metrics are lost");
                    Bytes::new()
                },
                Bytes::from,
            );
            let bytes = rest.len() as u64;
            while let Some(record) = record::next(&mut rest) {
                match record {
                    Record::Exposition(number, exposition) => {
                        self.next_exposition = self.next_exposition.max(number + 1);
                        left.push((number, exposition));
                    }
                    Record::Spooled(numbers) => {
                        // An exposition that could not be written may be known only from here. Its number is not reused.
                        let newest = numbers.iter().max().map_or(0, |number| number + 1);
                        self.next_exposition = self.next_exposition.max(newest);
                        spooled.extend(numbers);
                    }
                }
            }
            self.files.push_back(JournalFile { number, bytes, last: self.last() });
            self.next_file = number + 1;
        }
        left.retain(|(number, _)| !spooled.contains(number));
        Ok(left)
    }

    /// Appends the buffer and this text to the last file or to a new one. If writing fails, the incomplete record is cut off; if that
    /// fails, too, nothing more is appended to this file.
    fn write(&mut self, folder: &Folder, text: &[u8]) -> io::Result<()> {
        let mut file = match self.writer.take() {
            Some(file) => file,
            None => self.begin_file(folder)?,
        };
        let written = file.write_all(&self.buffer).and_then(|()| file.write_all(text));
        let length = (self.buffer.len() + text.len()) as u64;
        let last = self.last();
        let current =
            self.files.back_mut().ok_or_else(|| io::Error::other("the journal has no open file"))?;
        if let Err(error) = written {
            if file.set_len(current.bytes).is_ok() {
                self.writer = Some(file);
            }
            return Err(error);
        }
        current.bytes += length;
        current.last = last;
        self.writer = Some(file);
        Ok(())
    }

    fn begin_file(&mut self, folder: &Folder) -> io::Result<File> {
        let file = folder.create(self.next_file)?;
        self.files.push_back(JournalFile { number: self.next_file, bytes: 0, last: self.last() });
        self.next_file += 1;
        Ok(file)
    }

    /// The number of the last exposition.
    fn last(&self) -> u64 {
        self.next_exposition.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests;
