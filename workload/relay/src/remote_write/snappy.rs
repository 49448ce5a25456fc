//! The block format of Snappy.

use bytes::Bytes;
use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::Malformed;

/// Compresses and keeps its buffers for the next time.
pub(crate) struct Compressor {
    encoder: Encoder,
    buffer: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { encoder: Encoder::new(), buffer: Vec::new() }
    }
}

impl Compressor {
    pub(crate) fn compress(&mut self, request: &[u8]) -> Bytes {
        self.buffer.resize(max_compress_len(request.len()), 0);
        // Fails only for 4 GiB or more, and if the buffer is too small.
        let length = self.encoder.compress(request, &mut self.buffer).unwrap_or(0);
        Bytes::copy_from_slice(&self.buffer[..length])
    }
}

/// The longest request that is decompressed. We never write longer ones.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

pub(crate) fn decompress(compressed: &[u8]) -> Result<Vec<u8>, Malformed> {
    if decompress_len(compressed).map_err(|_| Malformed)? > MAX_REQUEST_BYTES {
        return Err(Malformed);
    }
    Decoder::new().decompress_vec(compressed).map_err(|_| Malformed)
}
