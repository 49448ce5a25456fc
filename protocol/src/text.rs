//! Text that others chose: what it may not contain when it is chosen, and how it is shown where it does nevertheless.
//!
//! A name with a bidirectional control reads as another name, and a control character can rewrite a terminal. Both programs
//! show names, descriptions, statuses and error texts that come from the other end of a connection, so both escape them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Ranges of characters that show nothing, or change how their neighbours are shown: the Unicode categories Cf, Zl and Zp,
/// and what has the property `Default_Ignorable_Code_Point` (Unicode 15). Sorted.
const HIDDEN: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Asks for the colourful form of the symbol before it.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Why somebody may not choose this text. Its `Display` continues a sentence that begins with what the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsuitableText {
    /// It contains a control character.
    #[error("cannot contain control characters")]
    Control,
    /// It contains a character that shows nothing, or changes how its neighbours are shown.
    #[error("cannot contain invisible characters (U+{:04X})", u32::from(*.0))]
    Hidden(char),
    /// It begins or ends with a blank.
    #[error("cannot begin or end with a blank")]
    Blank,
}

/// Whether the character shows nothing, or changes how its neighbours are shown. Control characters are not among them.
pub fn is_hidden(character: char) -> bool {
    let after = HIDDEN.partition_point(|(first, _)| *first <= character);
    after > 0 && character <= HIDDEN[after - 1].1
}

/// Checks a text of one line, such as a name.
pub fn check_line(text: &str) -> Result<(), UnsuitableText> {
    check(text, |_| false)
}

/// Checks a text that can have several lines, such as a description.
pub fn check_lines(text: &str) -> Result<(), UnsuitableText> {
    check(text, |character| matches!(character, '\n' | '\r' | '\t'))
}

fn check(text: &str, may_contain: impl Fn(char) -> bool) -> Result<(), UnsuitableText> {
    for (character, is_harmless) in judged(text) {
        if character.is_control() && !may_contain(character) {
            return Err(UnsuitableText::Control);
        }
        if !is_harmless && is_hidden(character) {
            return Err(UnsuitableText::Hidden(character));
        }
    }
    // The Braille pattern without dots is a symbol, but looks like a blank.
    let is_blank = |character: char| character.is_whitespace() || character == '\u{2800}';
    if text.starts_with(is_blank) || text.ends_with(is_blank) { Err(UnsuitableText::Blank) } else { Ok(()) }
}

/// The characters, each with whether it may be shown as it is. Of the hidden ones only the emoji selector may, after a
/// symbol: behind a letter it would make a name that looks like another.
fn judged(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = ' ';
    text.chars().map(move |character| {
        let is_after_symbol = !before.is_ascii() && !before.is_alphanumeric() && !is_hidden(before);
        before = character;
        let is_selector = character == EMOJI_SELECTOR && is_after_symbol;
        (character, is_selector || !(character.is_control() || is_hidden(character)))
    })
}

/// The text on one line, safe for a terminal: control characters and hidden ones become `\n`, `\t` or `\u{202e}`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape(
        text,
        |_| false,
        |to, character| match character {
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            other => drop(write!(to, "\\u{{{:x}}}", u32::from(other))),
        },
    )
}

/// The same for a text whose line breaks are its own.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escape(
        text,
        |character| character == '\n',
        |to, character| to.push_str(&escaped(character.encode_utf8(&mut [0; 4]))),
    )
}

/// JSON that means the same, safe for a terminal: control characters and hidden ones become JSON's own escapes. They stand
/// only in strings, except for the line breaks between values.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    escape(
        json,
        |character| character == '\n',
        |to, character| {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(to, "\\u{unit:04x}");
            }
        },
    )
}

/// A record of the log, safe for a terminal: as [`escaped`], except for the line break at its end. The formatter's colours
/// are kept if it writes any; it escapes the escape characters of what it is given.
pub fn escaped_log(record: &str, has_colours: bool) -> Cow<'_, str> {
    let line = record.strip_suffix('\n').unwrap_or(record);
    if !needs_escape(line) && !line.contains('\n') {
        return Cow::Borrowed(record);
    }
    let mut shown = String::with_capacity(record.len() + 16);
    let mut rest = line;
    while has_colours && let Some((before, colour, after)) = split_at_colour(rest) {
        shown.push_str(&escaped(before));
        shown.push_str(colour);
        rest = after;
    }
    shown.push_str(&escaped(rest));
    shown.push_str(&record[line.len()..]);
    Cow::Owned(shown)
}

/// What stands before the next sequence that sets a colour, the sequence, and what follows.
fn split_at_colour(text: &str) -> Option<(&str, &str, &str)> {
    let begins = text.match_indices("\u{1b}[").map(|(place, _)| place);
    begins.into_iter().find_map(|begin| {
        let parameters = &text[begin + 2..];
        let length = parameters.find(|character: char| !matches!(character, '0'..='9' | ';'))?;
        let end = begin + 2 + length + 1;
        parameters[length..].starts_with('m').then(|| (&text[..begin], &text[begin..end], &text[end..]))
    })
}

/// Whether [`escaped_lines`] would change the text.
pub fn needs_escape(text: &str) -> bool {
    judged(text).any(|(character, is_harmless)| !is_harmless && character != '\n')
}

fn escape(text: &str, is_kept: impl Fn(char) -> bool, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    let is_harmful = |(character, is_harmless): (char, bool)| !is_harmless && !is_kept(character);
    if !judged(text).any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for judged in judged(text) {
        if is_harmful(judged) { write(&mut escaped, judged.0) } else { escaped.push(judged.0) }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each hides in a name or changes what is read.
    const TRICKS: [char; 14] = [
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{ad}',
        '\u{2028}',
        '\u{61c}',
        '\u{180e}',
        '\u{e0041}',
        '\u{3164}',
        '\u{fe01}',
        '\u{2060}',
    ];

    #[test]
    fn ranges_are_sorted_and_apart() {
        assert!(HIDDEN.iter().all(|(first, last)| first <= last));
        assert!(HIDDEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn hidden_characters_are_refused_wherever_they_stand() {
        for trick in TRICKS {
            assert!(is_hidden(trick), "{trick:?}");
            for text in [format!("{trick}a"), format!("a{trick}b"), format!("a{trick}")] {
                assert_eq!(check_line(&text), Err(UnsuitableText::Hidden(trick)), "{text:?}");
                assert_eq!(check_lines(&text), Err(UnsuitableText::Hidden(trick)), "{text:?}");
                assert!(!escaped(&text).contains(trick), "{text:?}");
            }
        }
    }

    #[test]
    fn ordinary_text_of_any_language_is_accepted_and_shown_as_it_is() {
        for text in
            ["a", "a b/c?d#e%", "Zürich", "北京", "مدينة", "हिन्दी", "🦀", "⚠\u{fe0f} old", "\"x\" \\ <y>"]
        {
            assert_eq!(check_line(text), Ok(()), "{text}");
            assert_eq!(escaped(text), text);
        }
        assert_eq!(check_lines("two\r\nlines\tand a tab"), Ok(()));
        // Behind a letter the selector shows nothing.
        assert!(check_line("paris\u{fe0f}").is_err());
    }

    #[test]
    fn blanks_at_the_ends_and_control_characters_are_refused() {
        for text in [" a", "a ", "\u{a0}a", "a\u{3000}", "a\u{2800}", " "] {
            assert_eq!(check_line(text), Err(UnsuitableText::Blank), "{text:?}");
        }
        for text in ["a\nb", "a\0", "\u{7f}", "\u{9b}0m"] {
            assert_eq!(check_line(text), Err(UnsuitableText::Control), "{text:?}");
        }
        assert_eq!(check_lines("a\n"), Err(UnsuitableText::Blank));
        assert_eq!(check_lines("a\u{1b}[2J"), Err(UnsuitableText::Control));
        assert_eq!(
            UnsuitableText::Hidden('\u{202e}').to_string(),
            "cannot contain invisible characters (U+202E)"
        );
    }

    #[test]
    fn escapes_name_the_character() {
        assert_eq!(escaped("a\u{1b}[2J\u{202e}b\nc\td\u{9b}"), "a\\u{1b}[2J\\u{202e}b\\nc\\td\\u{9b}");
        assert_eq!(escaped_lines("a\nb\u{200b}\tc"), "a\nb\\u{200b}\\tc");
        assert_eq!(escaped_json("\"\u{202e}\u{e0041}\u{7f}\"\n"), "\"\\u202e\\udb40\\udc41\\u007f\"\n");
    }

    #[test]
    fn record_of_the_log_is_one_line_and_keeps_only_the_formatters_colours() {
        let record = "\u{1b}[32m INFO\u{1b}[0m joined name=a\u{202e}b\nERROR forged \u{1b}[2J\n";
        let escaped = "\\u{1b}[32m INFO\\u{1b}[0m joined name=a\\u{202e}b\\nERROR forged \\u{1b}[2J\n";
        assert_eq!(escaped_log(record, false), escaped);
        assert_eq!(
            escaped_log(record, true),
            "\u{1b}[32m INFO\u{1b}[0m joined name=a\\u{202e}b\\nERROR forged \\u{1b}[2J\n"
        );
        assert_eq!(escaped_log("plain\n", true), "plain\n");
    }

    fn any_text() -> impl Strategy<Value = String> {
        let trick = prop::sample::select(&TRICKS[..]);
        let character = prop_oneof![any::<char>(), trick, prop::char::range('\0', '\u{a0}')];
        prop::collection::vec(character, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left_in_any_text(text in any_text()) {
            let shown = escaped(&text);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(!needs_escape(&shown));
            prop_assert_eq!(escaped(&shown), shown.as_ref());
            let lines = escaped_lines(&text);
            prop_assert!(!lines.chars().any(|character| character.is_control() && character != '\n'));
        }

        #[test]
        fn escaped_json_means_the_same(text in any_text()) {
            let json = serde_json::to_string_pretty(&[&text]).unwrap();
            let shown = escaped_json(&json);
            prop_assert!(!needs_escape(&shown));
            prop_assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [text]);
        }

        #[test]
        fn what_may_be_chosen_is_shown_as_it_is(text in any_text()) {
            if check_line(&text).is_ok() {
                prop_assert_eq!(escaped(&text), text.as_str());
            }
        }
    }
}
