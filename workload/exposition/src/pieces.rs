//! A large text inside JSON, unescaped piece by piece, so that its size does not matter.

use crate::json::unescape_some;
use crate::sample::BadLine;
use crate::{END, Parser};

/// The size of a piece in bytes, unescaped. Several times the longest line that is read.
const PIECE_BYTES: usize = 256 * 1024;

/// The pieces of an exposition, each of whole lines.
///
/// A line that is longer than a piece is skipped, and reported once unless it is a comment.
pub struct Pieces<'e> {
    rest: &'e [u8],
    buffer: Vec<u8>,
    /// How much of the buffer belongs to the piece that was returned last.
    used: usize,
    is_open_metrics: bool,
    /// Whether the rest begins within a line that is skipped.
    skips_line: bool,
}

impl<'e> Pieces<'e> {
    /// `escaped` is the inside of a valid JSON string, without its quotes. The buffer's contents are replaced.
    pub fn new(escaped: &'e [u8], mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { rest: escaped, buffer, used: 0, is_open_metrics: ends_with_eof(escaped), skips_line: false }
    }

    /// A parser of the next piece, or the reason why a line is malformed. `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Parser<'_>, BadLine>> {
        loop {
            self.buffer.drain(..self.used);
            self.used = 0;
            let room = PIECE_BYTES - self.buffer.len().min(PIECE_BYTES);
            self.rest = unescape_some(self.rest, &mut self.buffer, room);
            if self.buffer.is_empty() {
                return None;
            }
            let is_last = self.rest.is_empty();
            if self.skips_line {
                let end = memchr::memchr(b'\n', &self.buffer);
                self.used = end.map_or(self.buffer.len(), |end| end + 1);
                self.skips_line = end.is_none() && !is_last;
                continue;
            }
            let end = memchr::memrchr(b'\n', &self.buffer).map(|end| end + 1);
            self.used = if is_last { self.buffer.len() } else { end.unwrap_or(self.buffer.len()) };
            if !is_last && end.is_none() {
                self.skips_line = true;
                if self.buffer.trim_ascii_start().starts_with(b"#") {
                    continue;
                }
                return Some(Err(BadLine::TooLong));
            }
            return Some(Ok(Parser::of_part(&self.buffer[..self.used], self.is_open_metrics)));
        }
    }

    /// The buffer, for the next text.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// Whether the unescaped text ends with `# EOF` and white space.
fn ends_with_eof(escaped: &[u8]) -> bool {
    let mut text = escaped;
    loop {
        text = text.trim_ascii_end();
        let blank =
            [&b"\\n"[..], b"\\r", b"\\t", b"\\f"].into_iter().find_map(|blank| text.strip_suffix(blank));
        let Some(shorter) = blank else { return text.ends_with(END) };
        text = shorter;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unescape;

    /// What is read from a text, in words.
    fn read(parser: &mut Parser<'_>, into: &mut Vec<String>) {
        while let Some(line) = parser.next() {
            into.push(match line {
                Ok(sample) => format!("{sample:?}"),
                Err(why) => format!("{why:?}"),
            });
        }
    }

    fn in_pieces(escaped: &[u8]) -> Vec<String> {
        let (mut pieces, mut lines) = (Pieces::new(escaped, Vec::new()), Vec::new());
        while let Some(piece) = pieces.next() {
            match piece {
                Ok(mut parser) => read(&mut parser, &mut lines),
                Err(why) => lines.push(format!("{why:?}")),
            }
        }
        assert!(pieces.into_buffer().capacity() <= 2 * PIECE_BYTES);
        lines
    }

    fn whole(escaped: &[u8]) -> Vec<String> {
        let (mut plain, mut lines) = (Vec::new(), Vec::new());
        unescape(escaped, &mut plain);
        read(&mut Parser::new(&plain), &mut lines);
        lines
    }

    fn escaped(text: &str) -> Vec<u8> {
        let quoted = serde_json::to_string(text).unwrap();
        quoted.as_bytes()[1..quoted.len() - 1].to_vec()
    }

    #[test]
    fn large_text_is_read_as_a_whole_one() {
        let lines: Vec<_> = (0..50_000).map(|n| format!("m{{n=\"{n}\",é=\"\\\"\"}} {n} 17")).collect();
        for end in ["", "\n", "\n# EOF\n", "\n# EOF"] {
            let text = escaped(&(lines.join("\n") + end));
            assert_eq!(in_pieces(&text), whole(&text), "{end:?}");
        }
    }

    #[test]
    fn line_longer_than_a_piece_costs_only_itself() {
        for length in [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES] {
            let long = "x".repeat(length);
            let text = escaped(&format!("a 1\n{long}\n# {long}\nb 2\n{long}"));
            let lines = in_pieces(&text);
            assert_eq!(lines.len(), 4, "{length}: {lines:.20?}");
            assert_eq!((lines[1].as_str(), lines[3].as_str()), ("TooLong", "TooLong"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_a_whole_one(text in "([a-c ]{0,3}(\\{x=\"[\\\\\"a]\"\\})? [0-9]{1,4}\n?){0,12}(# EOF)?[ \n\t]{0,3}") {
            prop_assert_eq!(in_pieces(text.as_bytes()), whole(text.as_bytes()));
            let escaped = escaped(&text);
            prop_assert_eq!(in_pieces(&escaped), whole(&escaped));
        }
    }
}
