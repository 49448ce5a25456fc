//! How a spool's records look on disk: a header of fixed length with its own checksum, then a batch's body.
//!
//! | bytes | hold |
//! |---|---|
//! | 0..4 | CRC-32 of the header's other bytes |
//! | 4 | kind: 1 a batch, 2 the news that one is done |
//! | 5..8 | nought |
//! | 8..10, 10..12 | the batch's lane, and how many lanes there were |
//! | 12..20 | the batch's number; numbers ascend |
//! | 20..28 | the youngest time stamp in it |
//! | 28..32 | its samples |
//! | 32..36, 36..40 | the length and the CRC-32 of the body |
//!
//! Numbers are little-endian.

use crate::time::UnixMillis;

pub(super) const HEADER: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Batch,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) lane: u16,
    pub(super) lanes: u16,
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
            lane: 0,
            lanes: 0,
            number,
            newest: UnixMillis(0),
            samples: 0,
            length: 0,
            checksum: 0,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[4] = match self.kind {
            Kind::Batch => 1,
            Kind::Done => 2,
        };
        bytes[8..10].copy_from_slice(&self.lane.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.lanes.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.newest.0.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.samples.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.length.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// None for what was not written by [`Self::to_bytes`], or not completely.
    pub(super) fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
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
            lane: u16::from_le_bytes(part(bytes, 8)),
            lanes: u16::from_le_bytes(part(bytes, 10)),
            number: u64::from_le_bytes(part(bytes, 12)),
            newest: UnixMillis(i64::from_le_bytes(part(bytes, 20))),
            samples: u32::from_le_bytes(part(bytes, 28)),
            length: u32::from_le_bytes(part(bytes, 32)),
            checksum: u32::from_le_bytes(part(bytes, 36)),
        })
    }
}

fn part<const N: usize>(bytes: &[u8; HEADER], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_not_otherwise() {
        let header = Header {
            kind: Kind::Batch,
            lane: 3,
            lanes: 4,
            number: 1 << 40,
            newest: UnixMillis(-5),
            samples: 7,
            length: 8,
            checksum: 9,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        for at in 0..HEADER {
            let mut changed = bytes;
            changed[at] ^= 0x10;
            assert_eq!(Header::from_bytes(&changed), None, "byte {at}");
        }
        assert_eq!(Header::from_bytes(&[0; HEADER]), None);
    }
}
