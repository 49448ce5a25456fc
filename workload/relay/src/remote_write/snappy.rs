//! Snappy's block format, both ways.

use bytes::Bytes;
use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::Malformed;

/// Keeps its buffers from one batch to the next.
pub(super) struct Compressor {
    encoder: Encoder,
    buffer: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { encoder: Encoder::new(), buffer: Vec::new() }
    }
}

impl Compressor {
    pub(super) fn compress(&mut self, request: &[u8]) -> Bytes {
        self.buffer.resize(max_compress_len(request.len()), 0);
        // It fails for 4 GiB and more, and for a buffer that is too small.
        let length = self.encoder.compress(request, &mut self.buffer).unwrap_or(0);
        Bytes::copy_from_slice(&self.buffer[..length])
    }
}

/// A request that claims to be longer than this is none of ours.
const MAX_REQUEST: usize = 64 * 1024 * 1024;

pub(super) fn decompress(compressed: &[u8]) -> Result<Vec<u8>, Malformed> {
    if decompress_len(compressed).map_err(|_| Malformed)? > MAX_REQUEST {
        return Err(Malformed);
    }
    Decoder::new().decompress_vec(compressed).map_err(|_| Malformed)
}
