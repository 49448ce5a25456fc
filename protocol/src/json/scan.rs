//! Reading JSON piece by piece, without storing it.
//!
//! [`Scanner`] walks over a text and yields slices of it. Skipping a value costs no memory, whatever it contains: neither
//! long texts with escapes nor deep nesting nor long lists. So limits can act while a text is read, and not afterwards.

use std::borrow::Cow;

/// The longest escaped key that is decoded, in bytes of JSON. All known keys are shorter.
const MAX_ESCAPED_KEY_BYTES: usize = 6 * 32;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at byte {at}")]
pub(crate) struct InvalidJson {
    at: usize,
}

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Boolean,
    Null,
}

/// A position in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the start of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The type of the value that begins here.
    pub(crate) fn kind(&mut self) -> Result<Kind, InvalidJson> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.invalid()),
        }
    }

    /// Skips one value of any type and returns its JSON.
    pub(crate) fn value(&mut self) -> Result<&'a str, InvalidJson> {
        self.skip_blanks();
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            let kind = self.kind()?;
            match kind {
                Kind::Object | Kind::Array => {
                    let is_object = kind == Kind::Object;
                    self.at += 1;
                    if !self.skip_if(if is_object { b'}' } else { b']' }) {
                        nesting.push(is_object);
                        if is_object {
                            self.raw_key()?;
                        }
                        continue;
                    }
                }
                Kind::Text => _ = self.raw_text()?,
                Kind::Number => self.number()?,
                Kind::Boolean | Kind::Null => self.word()?,
            }
            // A value has ended here, and maybe what contains it.
            loop {
                let Some(is_object) = nesting.innermost() else { return Ok(&self.text[start..self.at]) };
                if !self.skip_comma(is_object)? {
                    nesting.pop();
                    continue;
                }
                if is_object {
                    self.raw_key()?;
                }
                break;
            }
        }
    }

    /// Reads an object. `entry` gets each key and must read exactly one value.
    pub(crate) fn object(
        &mut self,
        mut entry: impl FnMut(&str, &mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.expect(b'{')?;
        if self.skip_if(b'}') {
            return Ok(());
        }
        loop {
            let key = decoded_key(self.raw_key()?);
            entry(&key, self)?;
            if !self.skip_comma(true)? {
                return Ok(());
            }
        }
    }

    /// Reads a list. `item` must read exactly one value.
    pub(crate) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.expect(b'[')?;
        if self.skip_if(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.skip_comma(false)? {
                return Ok(());
            }
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), InvalidJson> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.invalid()) }
    }

    /// Skips a key and its colon, and returns the key without its quotes.
    fn raw_key(&mut self) -> Result<&'a str, InvalidJson> {
        self.skip_blanks();
        let key = self.raw_text()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Skips a text and returns it without its quotes, still escaped.
    fn raw_text(&mut self) -> Result<&'a str, InvalidJson> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                // The end, or a control character.
                _ => return Err(self.invalid()),
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at - 1])
    }

    fn escape(&mut self) -> Result<(), InvalidJson> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.invalid());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.invalid()),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), InvalidJson> {
        self.skip_byte(b'-');
        if !self.skip_byte(b'0') {
            self.digits()?;
        }
        if self.skip_byte(b'.') {
            self.digits()?;
        }
        if self.skip_byte(b'e') || self.skip_byte(b'E') {
            _ = self.skip_byte(b'+') || self.skip_byte(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), InvalidJson> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.invalid()) }
    }

    fn word(&mut self) -> Result<(), InvalidJson> {
        let rest = &self.text.as_bytes()[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        self.at += word.ok_or(self.invalid())?.len();
        Ok(())
    }

    /// Skips what follows an entry: whether it is a comma. Otherwise it is the end of the object or list.
    fn skip_comma(&mut self, is_object: bool) -> Result<bool, InvalidJson> {
        self.skip_blanks();
        let is_comma = match self.peek() {
            Some(b',') => true,
            Some(b'}') if is_object => false,
            Some(b']') if !is_object => false,
            _ => return Err(self.invalid()),
        };
        self.at += 1;
        Ok(is_comma)
    }

    fn expect(&mut self, byte: u8) -> Result<(), InvalidJson> {
        if self.skip_if(byte) { Ok(()) } else { Err(self.invalid()) }
    }

    /// Skips blanks and then this byte, if it follows.
    fn skip_if(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.skip_byte(byte)
    }

    fn skip_byte(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn invalid(&self) -> InvalidJson {
        InvalidJson { at: self.at }
    }
}

/// Decodes the JSON of a text, quotes included. `None` if it is no text of Unicode characters: half a surrogate pair.
pub(crate) fn decoded(json: &str) -> Option<Cow<'_, str>> {
    if json.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        json.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
    }
}

/// Decodes a key. One that is too long to be known stays as it is: with its escapes it equals no known one.
fn decoded_key(raw: &str) -> Cow<'_, str> {
    if raw.len() > MAX_ESCAPED_KEY_BYTES || !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// The number of bytes before the first quotation mark, backslash or control character, eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The highest bit of each byte that is below `limit`; bytes after the first such byte may be wrong.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, 0x20)
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    words.len() * 8 + special.unwrap_or(rest.len())
}

/// What the current value is nested in, innermost last: one bit for each object (1) or list (0).
#[derive(Default)]
struct Nesting {
    /// Full words of 64 levels, outermost first.
    outer: Vec<u64>,
    inner: u64,
    /// The number of levels in `inner`: 0 only if there are none at all.
    levels: u32,
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        if self.levels == u64::BITS {
            self.outer.push(self.inner);
            self.levels = 0;
        }
        self.inner = (self.inner << 1) | u64::from(is_object);
        self.levels += 1;
    }

    fn innermost(&self) -> Option<bool> {
        (self.levels > 0).then_some(self.inner & 1 == 1)
    }

    fn pop(&mut self) {
        self.inner >>= 1;
        self.levels -= 1;
        if self.levels == 0
            && let Some(word) = self.outer.pop()
        {
            self.inner = word;
            self.levels = u64::BITS;
        }
    }
}

#[cfg(test)]
mod tests;
