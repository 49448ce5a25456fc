//! The format of a spool's records on disk: a header of fixed length with its own checksum, then a batch's body.
//!
//! | bytes | contents |
//! |---|---|
//! | 0..4 | CRC-32 of the rest of the header |
//! | 4 | kind: 1 for a batch, 2 for the record that a batch is done |
//! | 5..8 | zero |
//! | 8..10, 10..12 | the batch's shard, and the number of shards |
//! | 12..20 | the batch's number, in ascending order |
//! | 20..28 | the newest timestamp in the batch |
//! | 28..32 | the number of samples |
//! | 32..36, 36..40 | the length and the CRC-32 of the body |
//!
//! Numbers are little-endian.

use crate::time::UnixMillis;

pub(super) const HEADER_BYTES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Batch,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) shard: u16,
    pub(super) shards: u16,
    pub(super) number: u64,
    pub(super) newest: UnixMillis,
    pub(super) samples: u32,
    pub(super) length: u32,
    pub(super) checksum: u32,
}

impl Header {
    pub(super) const fn done(number: u64) -> Self {
        Self {
            kind: Kind::Done,
            shard: 0,
            shards: 0,
            number,
            newest: UnixMillis(0),
            samples: 0,
            length: 0,
            checksum: 0,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[4] = match self.kind {
            Kind::Batch => 1,
            Kind::Done => 2,
        };
        bytes[8..10].copy_from_slice(&self.shard.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.shards.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.newest.0.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.samples.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.length.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` for bytes that were not written by [`Self::to_bytes`], or not completely.
    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        if u32::from_le_bytes(part(bytes, 0)) != crc32fast::hash(&bytes[4..]) {
            return None;
        }
        let kind = match bytes[4] {
            1 => Kind::Batch,
            2 => Kind::Done,
            _ => return None,
        };
        Some(Self {
            kind,
            shard: u16::from_le_bytes(part(bytes, 8)),
            shards: u16::from_le_bytes(part(bytes, 10)),
            number: u64::from_le_bytes(part(bytes, 12)),
            newest: UnixMillis(i64::from_le_bytes(part(bytes, 20))),
            samples: u32::from_le_bytes(part(bytes, 28)),
            length: u32::from_le_bytes(part(bytes, 32)),
            checksum: u32::from_le_bytes(part(bytes, 36)),
        })
    }
}

fn part<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_back_and_damage_is_detected() {
        let header = Header {
            kind: Kind::Batch,
            shard: 3,
            shards: 4,
            number: 1 << 40,
            newest: UnixMillis(-5),
            samples: 7,
            length: 8,
            checksum: 9,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        for at in 0..HEADER_BYTES {
            let mut changed = bytes;
            changed[at] ^= 0x10;
            assert_eq!(Header::from_bytes(&changed), None, "byte {at}");
        }
        assert_eq!(Header::from_bytes(&[0; HEADER_BYTES]), None);
    }
}
