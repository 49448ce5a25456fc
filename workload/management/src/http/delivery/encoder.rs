//! Streaming compression.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::Stream;
use http_body::Body;

use super::accept::Encoding;

/// Responses are compressed on every request, so compression must not take longer than it saves in transit.
const BROTLI_QUALITY: u32 = 4;
const GZIP_LEVEL: u32 = 4;
/// The window of Brotli, as a power of two of bytes. Each request needs that much memory.
const BROTLI_WINDOW_BITS: u32 = 18;
const BUFFER_BYTES: usize = 16 * 1024;

/// A compressor with its output.
pub(super) enum Encoder {
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

/// A body that is compressed while it is read.
pub(super) struct Compressed<B> {
    body: B,
    encoder: Option<Encoder>,
}

// === impl Encoder ===

impl Encoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(
                Vec::new(),
                BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW_BITS,
            ))),
            Encoding::Gzip => Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))),
        }
    }

    /// Compresses a chunk and returns the finished output, which may be empty. Writing to memory does not fail.
    pub(super) fn write(&mut self, chunk: &[u8]) -> Vec<u8> {
        match self {
            Self::Brotli(encoder) => {
                let _ = encoder.write_all(chunk);
                std::mem::take(encoder.get_mut())
            }
            Self::Gzip(encoder) => {
                let _ = encoder.write_all(chunk);
                std::mem::take(encoder.get_mut())
            }
        }
    }

    /// The remaining output.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Brotli(encoder) => encoder.into_inner(),
            Self::Gzip(encoder) => encoder.finish().unwrap_or_default(),
        }
    }
}

// === impl Compressed ===

impl<B> Compressed<B> {
    pub(super) fn new(encoding: Encoding, body: B) -> Self {
        Self { body, encoder: Some(Encoder::new(encoding)) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Stream for Compressed<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while this.encoder.is_some() {
            let finished = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Err(problem)) => {
                    this.encoder = None;
                    return Poll::Ready(Some(Err(problem)));
                }
                Some(Ok(frame)) => match (frame.into_data(), &mut this.encoder) {
                    (Ok(chunk), Some(encoder)) => encoder.write(&chunk),
                    _ => continue,
                },
                None => this.encoder.take().map(Encoder::finish).unwrap_or_default(),
            };
            if !finished.is_empty() {
                return Poll::Ready(Some(Ok(finished.into())));
            }
        }
        Poll::Ready(None)
    }
}
