//! A large body in memory of its own, which the system gets back at once when the body is dropped. The allocator would keep
//! it for a while, so that a few large bodies one after the other would take as much as all of them together.

use bytes::{Bytes, BytesMut};
use memmap2::MmapMut;

/// From this declared length on, in bytes, a body is mapped.
const MIN_MAPPED_BYTES: usize = 1 << 20;

/// A body that grows up to its declared length, or beyond if that was wrong.
pub(super) enum Growing {
    /// The memory, and how much of it is filled. Pages that are not filled take none.
    Mapped(MmapMut, usize),
    /// A short body, or one of unknown length.
    Allocated(BytesMut),
}

impl Growing {
    /// An empty body that will have about this length.
    pub(super) fn with_capacity(declared: usize) -> Self {
        if declared >= MIN_MAPPED_BYTES
            && let Ok(memory) = MmapMut::map_anon(declared)
        {
            return Self::Mapped(memory, 0);
        }
        Self::Allocated(BytesMut::with_capacity(declared))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Mapped(_, filled) => *filled,
            Self::Allocated(bytes) => bytes.len(),
        }
    }

    pub(super) fn extend(&mut self, chunk: &[u8]) {
        match self {
            Self::Mapped(memory, filled) => {
                let end = *filled + chunk.len();
                if let Some(space) = memory.get_mut(*filled..end) {
                    space.copy_from_slice(chunk);
                    *filled = end;
                } else {
                    let mut bytes = BytesMut::from(&memory[..*filled]);
                    bytes.extend_from_slice(chunk);
                    *self = Self::Allocated(bytes);
                }
            }
            Self::Allocated(bytes) => bytes.extend_from_slice(chunk),
        }
    }

    pub(super) fn freeze(self) -> Bytes {
        match self {
            Self::Mapped(memory, filled) => Bytes::from_owner(memory).slice(..filled),
            Self::Allocated(bytes) => bytes.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_what_was_added_whatever_was_declared() {
        for declared in [0, 5, MIN_MAPPED_BYTES, 3 * MIN_MAPPED_BYTES] {
            let mut body = Growing::with_capacity(declared);
            let mut expected = Vec::new();
            for chunk in 0..5u8 {
                let chunk = vec![chunk; 400_000];
                body.extend(&chunk);
                expected.extend_from_slice(&chunk);
                assert_eq!(body.len(), expected.len());
            }
            assert_eq!(body.freeze(), expected, "{declared}");
        }
    }
}
