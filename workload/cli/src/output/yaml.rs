//! YAML that is safe for a terminal. The library writes some invisible characters as they are; in YAML only a text in
//! double quotation marks can contain escapes, so such texts are quoted here.

use std::fmt::Write as _;

use protocol::text::needs_escape;
use serde::Serialize;
use serde_yaml::{Error, Value};

/// The value as YAML.
pub(super) fn to_string<T: Serialize>(value: &T) -> Result<String, Error> {
    let text = serde_yaml::to_string(value)?;
    if !needs_escape(&text) {
        return Ok(text);
    }
    // Each text that needs an escape becomes a plain word, which becomes the quoted text afterwards.
    let mut word = "escaped".to_owned();
    while text.contains(&word) {
        word.push('x');
    }
    let (mut tree, mut quoted) = (serde_yaml::to_value(value)?, Vec::new());
    take_out(&mut tree, &word, &mut quoted);
    let mut text = serde_yaml::to_string(&tree)?;
    for (number, quoted) in quoted.iter().enumerate() {
        text = text.replace(&placeholder(&word, number), quoted);
    }
    Ok(text)
}

fn placeholder(word: &str, number: usize) -> String {
    format!("{word}{number}.")
}

fn take_out(value: &mut Value, word: &str, quoted: &mut Vec<String>) {
    match value {
        Value::String(text) if needs_escape(text) => {
            let placeholder = placeholder(word, quoted.len());
            quoted.push(quote(&std::mem::replace(text, placeholder)));
        }
        Value::Sequence(entries) => entries.iter_mut().for_each(|entry| take_out(entry, word, quoted)),
        Value::Mapping(entries) => {
            let taken = std::mem::take(entries);
            for (mut key, mut value) in taken {
                take_out(&mut key, word, quoted);
                take_out(&mut value, word, quoted);
                entries.insert(key, value);
            }
        }
        Value::Tagged(tagged) => take_out(&mut tagged.value, word, quoted),
        _ => {}
    }
}

/// The text in double quotation marks, with everything escaped that a terminal does not show as it is (YAML 1.2 section
/// 5.7).
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            other if needs_escape(other.encode_utf8(&mut [0; 4])) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ordinary_values_are_written_as_the_library_writes_them() {
        let value =
            BTreeMap::from([("a", "x: y"), ("b", "two\nlines"), ("c", "🦀 مدينة"), ("d", "escaped0x")]);
        assert_eq!(to_string(&value).unwrap(), serde_yaml::to_string(&value).unwrap());
    }

    #[test]
    fn harmful_texts_are_escaped_and_mean_the_same() {
        let texts = [
            "a\u{202e}b",
            "\u{1b}[2J",
            "\u{9b}0m",
            "quote \" \\ \u{200b}\nline\ttab",
            "\u{e0041}",
            "escaped0x0x",
            "escaped0x",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "- x",
            "\u{ad}: y #z",
        ];
        let value: BTreeMap<String, Vec<&str>> =
            texts.iter().map(|text| ((*text).to_owned(), texts.to_vec())).collect();
        let yaml = to_string(&value).unwrap();
        assert!(!needs_escape(&yaml), "{yaml}");
        let read: BTreeMap<String, Vec<String>> = serde_yaml::from_str(&yaml).unwrap();
        assert_eq!(
            read,
            value
                .iter()
                .map(|(key, texts)| (key.clone(), texts.iter().map(|t| (*t).to_owned()).collect()))
                .collect()
        );
    }
}
