//! A sink's queue on disk, so that it survives the process and outgrows memory.
//!
//! A log in segments: batches are appended, and so is the news that a batch is done. A segment is removed when all of
//! its batches are done and no older segment is left, so that the news about a batch is there as long as the batch.
//! What was appended survives the process at once, and the machine after [`Spool::sync`].

mod record;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use record::{HEADER, Header, Kind};

use crate::folder::Folder;
use crate::time::UnixMillis;

/// How many segments a full spool has: when it overflows, this part of it goes at once.
const SEGMENTS: u64 = 16;
const SMALLEST_SEGMENT: u64 = 64 * 1024;
const LARGEST_SEGMENT: u64 = 64 * 1024 * 1024;
const LOCK: &str = "lock";
const EXTENSION: &str = "spool";

pub(crate) struct Spool {
    folder: Folder,
    segments: VecDeque<Segment>,
    /// The file of the last segment; none before the first append, and after one that failed.
    writer: Option<File>,
    next_segment: u64,
    bytes: u64,
    limit: u64,
    is_dirty: bool,
}

struct Segment {
    number: u64,
    bytes: u64,
    /// Batches in it that are not done.
    waiting: usize,
}

/// What must be known of a batch without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) lane: u16,
    pub(crate) lanes: u16,
    pub(crate) number: u64,
    pub(crate) newest: UnixMillis,
    pub(crate) samples: u32,
}

/// Where a batch's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: u64,
    offset: u64,
    length: u32,
    checksum: u32,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The batches that are not done, in order.
    pub(crate) waiting: Vec<(Label, Location)>,
    /// A number that no batch has had that is still spoken of.
    pub(crate) next_number: u64,
}

impl Spool {
    /// Opens the spool in this folder, or makes one of at most this many bytes. Says what is in it. Fails if another
    /// process has it open.
    pub(crate) fn open(directory: &Path, limit: u64) -> io::Result<(Self, Recovered)> {
        let mut spool = Self {
            folder: Folder::open(directory, LOCK, EXTENSION)?,
            segments: VecDeque::new(),
            writer: None,
            next_segment: 0,
            bytes: 0,
            limit,
            is_dirty: false,
        };
        let recovered = spool.recover()?;
        Ok((spool, recovered))
    }

    fn recover(&mut self) -> io::Result<Recovered> {
        let mut batches = BTreeMap::new();
        let mut done = HashSet::new();
        for number in self.folder.numbers()? {
            let bytes = self.scan(number, &mut batches, &mut done)?;
            self.segments.push_back(Segment { number, bytes, waiting: 0 });
            self.bytes += bytes;
            self.next_segment = number + 1;
        }
        let last = batches.last_key_value().map(|(number, _)| *number).max(done.iter().max().copied());
        batches.retain(|number, _| !done.contains(number));
        for (_, location) in batches.values() {
            if let Some(segment) = self.segment(location.segment) {
                segment.waiting += 1;
            }
        }
        self.remove_done();
        let next_number = last.map_or(0, |last| last + 1);
        Ok(Recovered { waiting: batches.into_values().collect(), next_number })
    }

    /// Reads a segment's headers, up to the first that is damaged: the process ended while it was written.
    fn scan(
        &self,
        segment: u64,
        batches: &mut BTreeMap<u64, (Label, Location)>,
        done: &mut HashSet<u64>,
    ) -> io::Result<u64> {
        let file = File::open(self.folder.path(segment))?;
        let length = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let mut offset = 0;
        let mut bytes = [0; HEADER];
        while offset + HEADER as u64 <= length {
            reader.read_exact(&mut bytes)?;
            let Some(header) = Header::from_bytes(&bytes) else { break };
            offset += HEADER as u64;
            let Header { kind, lane, lanes, number, newest, samples, length: body, checksum } = header;
            match kind {
                Kind::Done => {
                    done.insert(number);
                }
                Kind::Batch if offset + u64::from(body) > length => break,
                Kind::Batch => {
                    let label = Label { lane, lanes, number, newest, samples };
                    batches.insert(number, (label, Location { segment, offset, length: body, checksum }));
                    offset += u64::from(body);
                    reader.seek_relative(i64::from(body))?;
                }
            }
        }
        Ok(length)
    }

    /// Appends a batch.
    pub(crate) fn append(&mut self, label: Label, body: &[u8]) -> io::Result<Location> {
        let Label { lane, lanes, number, newest, samples } = label;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let checksum = crc32fast::hash(body);
        let header = Header { kind: Kind::Batch, lane, lanes, number, newest, samples, length, checksum };
        let (segment, offset) = self.write(header, body)?;
        if let Some(segment) = self.segment(segment) {
            segment.waiting += 1;
        }
        Ok(Location { segment, offset: offset + HEADER as u64, length, checksum })
    }

    /// Notes that a batch is done: it will not come again.
    pub(crate) fn finish(&mut self, number: u64, location: &Location) -> io::Result<()> {
        // It is gone where the spool overflowed meanwhile.
        let Some(segment) = self.segment(location.segment) else { return Ok(()) };
        segment.waiting = segment.waiting.saturating_sub(1);
        if self.segments.iter().all(|segment| segment.waiting == 0) {
            return self.clear();
        }
        self.write(Header::done(number), &[])?;
        self.remove_done();
        Ok(())
    }

    /// Nothing is waiting: nothing needs to be kept. It works on a full disk too.
    fn clear(&mut self) -> io::Result<()> {
        self.remove_done();
        let Some(last) = self.segments.back_mut() else { return Ok(()) };
        let Some(writer) = &self.writer else {
            self.remove_oldest();
            return Ok(());
        };
        writer.set_len(0)?;
        self.bytes = self.bytes.saturating_sub(last.bytes);
        last.bytes = 0;
        Ok(())
    }

    /// The body of a batch. Fails if it is not what was written.
    pub(crate) fn read(&self, location: &Location) -> io::Result<Bytes> {
        let mut body = vec![0; location.length as usize];
        File::open(self.folder.path(location.segment))?.read_exact_at(&mut body, location.offset)?;
        if crc32fast::hash(&body) != location.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong"));
        }
        Ok(body.into())
    }

    /// Removes the oldest segment if there is too much. Says which it was.
    pub(crate) fn overflow(&mut self) -> Option<u64> {
        if self.bytes <= self.limit || self.segments.len() < 2 {
            return None;
        }
        self.remove_oldest()
    }

    /// Waits until what was appended survives the machine too.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(());
        }
        self.writer.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// The bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends to the last segment, or begins a new one. What was written of a record that failed is cut off again; if
    /// that fails too, nothing more is appended behind it.
    fn write(&mut self, header: Header, body: &[u8]) -> io::Result<(u64, u64)> {
        let is_full = self.segments.back().is_some_and(|last| last.bytes >= self.segment_bytes());
        if is_full && let Some(full) = self.writer.take() {
            full.sync_data()?;
        }
        let mut file = match self.writer.take() {
            Some(file) => file,
            None => self.begin_segment()?,
        };
        let record = [&header.to_bytes(), body].concat();
        let written = file.write_all(&record);
        let last = self.segments.back_mut().ok_or_else(|| io::Error::other("there is no segment"))?;
        let (segment, offset) = (last.number, last.bytes);
        if let Err(error) = written {
            if file.set_len(offset).is_ok() {
                self.writer = Some(file);
            }
            return Err(error);
        }
        last.bytes += record.len() as u64;
        self.bytes += record.len() as u64;
        self.writer = Some(file);
        self.is_dirty = true;
        Ok((segment, offset))
    }

    fn begin_segment(&mut self) -> io::Result<File> {
        let number = self.next_segment;
        let file = self.folder.begin(number)?;
        self.next_segment += 1;
        self.segments.push_back(Segment { number, bytes: 0, waiting: 0 });
        self.remove_done();
        Ok(file)
    }

    /// The last segment is being written, and stays.
    fn remove_done(&mut self) {
        while self.segments.len() > 1 && self.segments.front().is_some_and(|first| first.waiting == 0) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) -> Option<u64> {
        let oldest = self.segments.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.bytes);
        if let Err(error) = self.folder.remove(oldest.number) {
            tracing::warn!(%error, "a part of the relay's spool cannot be removed");
        }
        Some(oldest.number)
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get_mut(at)
    }

    fn segment_bytes(&self) -> u64 {
        (self.limit / SEGMENTS).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT)
    }
}

#[cfg(test)]
mod tests;
