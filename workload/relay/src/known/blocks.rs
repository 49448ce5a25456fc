//! Labels of many series, compressed. Consecutive series mostly share their beginning, which is written once.

use bytes::Bytes;

use crate::remote_write::{Compressor, decompress};

/// The size in bytes at which a block is compressed. Snappy looks back about this far.
const BLOCK_BYTES: usize = 32 * 1024;

/// The labels of some series.
#[derive(Debug, Clone)]
pub(super) struct Block {
    compressed: Bytes,
}

/// Gathers labels into blocks. Keeps its buffers.
#[derive(Default)]
pub(super) struct BlockWriter {
    raw: Vec<u8>,
    last: Vec<u8>,
    blocks: Vec<Block>,
    bytes: usize,
    compressor: Compressor,
}

impl Block {
    /// The size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.compressed.len() + size_of::<Self>()
    }

    /// Calls this with the labels of each series. Ends early if the block was not written by [`BlockWriter`].
    pub(super) fn for_each(&self, mut see: impl FnMut(&[u8])) {
        let Ok(raw) = decompress(&self.compressed) else { return };
        let (mut rest, mut labels) = (&raw[..], Vec::new());
        while let (Some(shared), Some(length)) = (number(&mut rest), number(&mut rest)) {
            let Some(suffix) = rest.split_off(..length) else { return };
            labels.truncate(shared);
            labels.extend_from_slice(suffix);
            see(&labels);
        }
    }
}

impl BlockWriter {
    /// Adds the labels of a series.
    pub(super) fn push(&mut self, labels: &[u8]) {
        let shared = self.last.iter().zip(labels).take_while(|(last, new)| last == new).count();
        write_number(shared, &mut self.raw);
        write_number(labels.len() - shared, &mut self.raw);
        self.raw.extend_from_slice(&labels[shared..]);
        self.last.truncate(shared);
        self.last.extend_from_slice(&labels[shared..]);
        if self.raw.len() >= BLOCK_BYTES {
            self.seal();
        }
    }

    /// The size in bytes of what was added, at most.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.raw.len()
    }

    /// Takes the blocks.
    pub(super) fn finish(&mut self) -> Vec<Block> {
        if !self.raw.is_empty() {
            self.seal();
        }
        self.bytes = 0;
        std::mem::take(&mut self.blocks)
    }

    fn seal(&mut self) {
        let block = Block { compressed: self.compressor.compress(&self.raw) };
        self.bytes += block.bytes();
        self.blocks.push(block);
        self.raw.clear();
        self.last.clear();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
fn write_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7F) as u8);
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for index in 0..4 {
        let byte = *rest.split_off_first()?;
        number |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
