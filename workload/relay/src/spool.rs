//! A sink's queue on disk, so that it survives the process and can be larger than memory.
//!
//! A log in segments. Batches are appended to it, and also a record for each batch that is done. A segment is removed when
//! all of its batches are done and there is no older segment, so that the record that a batch is done is kept as long as
//! the batch itself. Appended data survives the process immediately, and the machine after [`Spool::sync`].

mod record;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use record::{HEADER_BYTES, Header, Kind};

use crate::folder::Folder;
use crate::time::UnixMillis;

/// The number of segments in a full spool. When it overflows, one of them is removed.
const SEGMENTS_PER_SPOOL: u64 = 16;
const MIN_SEGMENT_BYTES: u64 = 64 * 1024;
const MAX_SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const LOCK: &str = "lock";
const EXTENSION: &str = "spool";

pub(crate) struct Spool {
    folder: Folder,
    segments: VecDeque<Segment>,
    /// The file of the last segment. `None` before the first append and after a failed one.
    writer: Option<File>,
    next_segment: u64,
    bytes: u64,
    max_bytes: u64,
    is_dirty: bool,
}

struct Segment {
    number: u64,
    bytes: u64,
    /// The number of its batches that are not done.
    waiting: usize,
}

/// A batch's properties, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) shard: u16,
    pub(crate) shards: u16,
    pub(crate) number: u64,
    pub(crate) newest: UnixMillis,
    pub(crate) samples: u32,
}

/// The place of a batch's body on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: u64,
    offset: u64,
    length: u32,
    checksum: u32,
}

/// What an earlier process left in the spool.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The batches that are not done, in order.
    pub(crate) waiting: Vec<(Label, Location)>,
    /// A number that is larger than that of any batch in the spool.
    pub(crate) next_number: u64,
}

impl Spool {
    /// Opens the spool in this directory or creates it, with at most this many bytes. Returns what is in it. Fails if
    /// another process has it open.
    pub(crate) fn open(directory: &Path, max_bytes: u64) -> io::Result<(Self, Recovered)> {
        let mut spool = Self {
            folder: Folder::open(directory, LOCK, EXTENSION)?,
            segments: VecDeque::new(),
            writer: None,
            next_segment: 0,
            bytes: 0,
            max_bytes,
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

    /// Reads a segment's headers up to the first damaged one, which is left when a process ends during a write.
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
        let mut bytes = [0; HEADER_BYTES];
        while offset + HEADER_BYTES as u64 <= length {
            reader.read_exact(&mut bytes)?;
            let Some(header) = Header::from_bytes(&bytes) else { break };
            offset += HEADER_BYTES as u64;
            let Header { kind, shard, shards, number, newest, samples, length: body, checksum } = header;
            match kind {
                Kind::Done => {
                    done.insert(number);
                }
                Kind::Batch if offset + u64::from(body) > length => break,
                Kind::Batch => {
                    let label = Label { shard, shards, number, newest, samples };
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
        let Label { shard, shards, number, newest, samples } = label;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let checksum = crc32fast::hash(body);
        let header = Header { kind: Kind::Batch, shard, shards, number, newest, samples, length, checksum };
        let (segment, offset) = self.write(header, body)?;
        if let Some(segment) = self.segment(segment) {
            segment.waiting += 1;
        }
        Ok(Location { segment, offset: offset + HEADER_BYTES as u64, length, checksum })
    }

    /// Records that a batch is done, so that it is not sent again.
    pub(crate) fn finish(&mut self, number: u64, location: &Location) -> io::Result<()> {
        // The segment is gone if the spool overflowed in the meantime.
        let Some(segment) = self.segment(location.segment) else { return Ok(()) };
        segment.waiting = segment.waiting.saturating_sub(1);
        if self.segments.iter().all(|segment| segment.waiting == 0) {
            return self.clear();
        }
        self.write(Header::done(number), &[])?;
        self.remove_done();
        Ok(())
    }

    /// Removes everything, because no batch is waiting. Works on a full disk, too.
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

    /// Reads the body of a batch. Fails if it is damaged.
    pub(crate) fn read(&self, location: &Location) -> io::Result<Bytes> {
        let mut body = vec![0; location.length as usize];
        File::open(self.folder.path(location.segment))?.read_exact_at(&mut body, location.offset)?;
        if crc32fast::hash(&body) != location.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"));
        }
        Ok(body.into())
    }

    /// Removes the oldest segment if the spool is too large. Returns its number.
    pub(crate) fn overflow(&mut self) -> Option<u64> {
        if self.bytes <= self.max_bytes || self.segments.len() < 2 {
            return None;
        }
        self.remove_oldest()
    }

    /// Waits until everything that was appended survives a crash of the machine.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(());
        }
        self.writer.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// The size on disk in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes that can be appended before the oldest segment is removed.
    pub(crate) fn free(&self) -> u64 {
        self.max_bytes.saturating_sub(self.bytes)
    }

    /// Appends a record to the last segment or to a new one. If writing fails, the incomplete record is cut off; if that
    /// fails, too, nothing more is appended to this segment.
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
        let last =
            self.segments.back_mut().ok_or_else(|| io::Error::other("the spool has no open segment"))?;
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
        let file = self.folder.create(number)?;
        self.next_segment += 1;
        self.segments.push_back(Segment { number, bytes: 0, waiting: 0 });
        self.remove_done();
        Ok(file)
    }

    /// Removes the oldest segments whose batches are done, except the last segment, which is still written.
    fn remove_done(&mut self) {
        while self.segments.len() > 1 && self.segments.front().is_some_and(|first| first.waiting == 0) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) -> Option<u64> {
        let oldest = self.segments.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.bytes);
        if let Err(error) = self.folder.remove(oldest.number) {
            tracing::warn!(%error, "cannot remove a segment of the relay's spool");
        }
        Some(oldest.number)
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get_mut(at)
    }

    fn segment_bytes(&self) -> u64 {
        (self.max_bytes / SEGMENTS_PER_SPOOL).clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES)
    }
}

#[cfg(test)]
mod tests;
