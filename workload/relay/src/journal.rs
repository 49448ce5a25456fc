//! What was handed in and is not spooled yet, on disk: so that a process that is killed loses nothing of what it was
//! handed.
//!
//! Expositions are appended before anybody reads them. When all that was gathered of them was handed to the sinks'
//! spools, their file goes, be it that a spool could not be written: such a batch is in memory alone, as the queue says.
//! At rest there is no file. So there is never more on disk than what waits to be read and what came within a
//! [linger](crate::Packing::linger) or two. What was appended survives the process at once. It is not made
//! safe for the machine's sudden end: seconds later the spools are, and most files are gone before their contents were
//! ever written to a disk.
//!
//! With every batch that is spooled it is noted which expositions are complete by it, and these do not come again. A
//! process that is killed between the two, or within an exposition that is spread over batches, leaves samples that
//! are sent once more. They are the newest of their series: sinks ignore what they have with the same time stamp and the
//! same value, whereas anything older they might refuse.

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

/// No sink's folder is called so: it lies beside them.
const LOCK: &str = ".lock";
const EXTENSION: &str = "journal";
/// A buffer that had to hold more is given back.
const KEPT_BUFFER: usize = 8 * 1024 * 1024;
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// Numbers what it is given; numbers ascend.
pub(crate) struct Journal {
    folder: Folder,
    state: Mutex<State>,
    counts: RelayCounts,
}

struct State {
    /// The oldest first.
    files: VecDeque<Written>,
    /// The last file; none where the next record begins another.
    writer: Option<File>,
    next_file: u64,
    next_exposition: u64,
    /// Spooled expositions of which the journal could not be told yet.
    unnoted: Vec<u64>,
    buffer: Vec<u8>,
    complained: Option<Instant>,
}

struct Written {
    number: u64,
    bytes: u64,
    /// When this exposition is done, all in the file is.
    last: u64,
}

impl Journal {
    /// Opens the journal in this folder, or makes one. Says what an earlier process had not spooled, in order. Fails if
    /// another process has it open.
    pub(crate) fn open(directory: &Path, counts: RelayCounts) -> io::Result<(Self, Vec<(u64, Exposition)>)> {
        let folder = Folder::open(directory, LOCK, EXTENSION)?;
        let mut state = State {
            files: VecDeque::new(),
            writer: None,
            next_file: 0,
            next_exposition: 0,
            unnoted: Vec::new(),
            buffer: Vec::new(),
            complained: None,
        };
        let left = state.recover(&folder, &counts)?;
        let journal = Self { folder, state: Mutex::new(state), counts };
        if left.is_empty() {
            journal.done(u64::MAX);
        }
        Ok((journal, left))
    }

    /// Writes an exposition down. Says its number, which it has even where it could not be written.
    pub(crate) fn append(&self, exposition: &Exposition) -> u64 {
        let mut state = self.lock();
        let number = state.next_exposition;
        state.next_exposition += 1;
        let encoded = record::write_exposition(number, exposition, &mut state.buffer);
        let written = encoded.and_then(|()| state.write(&self.folder));
        self.tell(&mut state, written);
        number
    }

    /// Notes that all of these expositions is in the spools: they do not come again. Where that cannot be written, it is
    /// with the next that are noted.
    pub(crate) fn spooled(&self, expositions: &[u64]) {
        let mut state = self.lock();
        let State { unnoted, buffer, .. } = &mut *state;
        unnoted.extend_from_slice(expositions);
        let encoded = record::write_spooled(unnoted, buffer);
        let written = encoded.and_then(|()| state.write(&self.folder));
        if written.is_ok() {
            state.unnoted.clear();
        }
        self.tell(&mut state, written);
    }

    /// All expositions up to this one are in the spools: files that hold no others go. What comes next begins another
    /// file, so that the last one can go the next time.
    pub(crate) fn done(&self, through: u64) {
        let gone: Vec<_> = {
            let mut state = self.lock();
            state.writer = None;
            state.unnoted.retain(|number| *number > through);
            let gone = state.files.iter().take_while(|file| file.last <= through).count();
            state.files.drain(..gone).collect()
        };
        // Without the lock: to give back what is large takes a moment. The oldest first, since what is said of an
        // exposition is in the same file or in a later one.
        for file in gone {
            if let Err(error) = self.folder.remove(file.number) {
                tracing::warn!(%error, "a part of the relay's journal cannot be removed");
            }
        }
    }

    fn tell(&self, state: &mut State, written: io::Result<()>) {
        let Err(error) = written else { return };
        self.counts.journal_failed();
        if state.complained.is_none_or(|complained| complained.elapsed() >= COMPLAIN_EVERY) {
            state.complained = Some(Instant::now());
            tracing::warn!(%error, "the relay's journal cannot be written: what is not spooled yet may be lost");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads each file up to the first record that is damaged: the process ended while it was written. A file that the
    /// disk does not give back keeps nothing else from being read.
    fn recover(&mut self, folder: &Folder, counts: &RelayCounts) -> io::Result<Vec<(u64, Exposition)>> {
        let mut left = Vec::new();
        let mut spooled = HashSet::new();
        for number in folder.numbers()? {
            let mut rest = fs::read(folder.path(number)).map_or_else(
                |error| {
                    counts.journal_failed();
                    tracing::warn!(%error, number, "a part of the relay's journal cannot be read, and is lost");
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
                        // Of one that could not be written nothing else is known, and its number is not given again.
                        let newest = numbers.iter().max().map_or(0, |number| number + 1);
                        self.next_exposition = self.next_exposition.max(newest);
                        spooled.extend(numbers);
                    }
                }
            }
            self.files.push_back(Written { number, bytes, last: self.last() });
            self.next_file = number + 1;
        }
        left.retain(|(number, _)| !spooled.contains(number));
        Ok(left)
    }

    /// Appends the buffer to the last file, or begins a new one. What was written of a record that failed is cut off
    /// again; if that fails too, nothing more is appended behind it.
    fn write(&mut self, folder: &Folder) -> io::Result<()> {
        let mut file = match self.writer.take() {
            Some(file) => file,
            None => self.begin(folder)?,
        };
        let written = file.write_all(&self.buffer);
        let length = self.buffer.len() as u64;
        if self.buffer.capacity() > KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        let last = self.last();
        let current = self.files.back_mut().ok_or_else(|| io::Error::other("there is no file"))?;
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

    fn begin(&mut self, folder: &Folder) -> io::Result<File> {
        let file = folder.begin(self.next_file)?;
        self.files.push_back(Written { number: self.next_file, bytes: 0, last: self.last() });
        self.next_file += 1;
        Ok(file)
    }

    /// The last exposition that has a number.
    fn last(&self) -> u64 {
        self.next_exposition.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests;
