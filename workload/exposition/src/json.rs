//! Undoes JSON's escapes, for texts that were passed on as they stood inside a JSON document.

/// Appends the unescaped text. `escaped` is the inside of a valid JSON string, without its quotes.
///
/// Half of a surrogate pair and anything that is not an escape become U+FFFD.
pub fn unescape(escaped: &[u8], out: &mut Vec<u8>) {
    unescape_some(escaped, out, usize::MAX);
}

/// Appends unescaped text until about `max` bytes were appended, and returns the rest. An escape is never split, so the
/// rest can be passed on.
pub(crate) fn unescape_some<'e>(escaped: &'e [u8], out: &mut Vec<u8>, max: usize) -> &'e [u8] {
    out.reserve(escaped.len().min(max));
    let end = out.len().saturating_add(max);
    let mut rest = escaped;
    while out.len() < end && !rest.is_empty() {
        let window = &rest[..rest.len().min(end - out.len())];
        let Some(at) = memchr::memchr(b'\\', window) else {
            out.extend_from_slice(window);
            rest = &rest[window.len()..];
            continue;
        };
        out.extend_from_slice(&rest[..at]);
        let plain = match rest.get(at + 1) {
            Some(b'"') => b'"',
            Some(b'n') => b'\n',
            Some(b'\\') => b'\\',
            Some(b'/') => b'/',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            _ => {
                let (character, length) = unicode(&rest[at..]);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[at + length..];
                continue;
            }
        };
        out.push(plain);
        rest = &rest[at + 2..];
    }
    rest
}

/// The character of one `\uXXXX` or of a surrogate pair, and the number of bytes that were read for it.
fn unicode(text: &[u8]) -> (char, usize) {
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, 1) };
    let pair = |second: u32| 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let second = unit(&text[6..]).filter(|second| first < 0xDC00 && (0xDC00..0xE000).contains(second));
    match second.and_then(|second| char::from_u32(pair(second))) {
        Some(character) => (character, 12),
        None => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// One UTF-16 code unit.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unescaped(escaped: &str) -> String {
        let mut out = Vec::new();
        unescape(escaped.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_json_escape_is_undone() {
        assert_eq!(unescaped(r#"a\"b\\c\/d\b\f\n\r\te"#), "a\"b\\c/d\u{8}\u{c}\n\r\te");
        assert_eq!(unescaped(r"\u00e9\uD83E\udd80"), "é🦀");
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        assert_eq!(unescaped(r"\ud83ex"), "\u{fffd}x");
        assert_eq!(unescaped(r"\ud83e\u0041"), "\u{fffd}A");
        assert_eq!(unescaped(r"\udd80\ud83e"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn invalid_escapes_are_replaced() {
        assert_eq!(unescaped(r"\"), "\u{fffd}");
        assert_eq!(unescaped(r"\x\u12"), "\u{fffd}x\u{fffd}u12");
    }

    proptest! {
        #[test]
        fn serde_json_round_trips(text: String) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescaped(&quoted[1..quoted.len() - 1]), text);
        }
    }
}
