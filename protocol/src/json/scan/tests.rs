use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

/// The slice of the one value in a text.
fn whole(text: &str) -> Result<&str, InvalidJson> {
    let mut scanner = Scanner::new(text);
    let value = scanner.value()?;
    scanner.end().map(|()| value)
}

fn agrees_with_serde_json(text: &str) -> bool {
    whole(text).is_ok() == serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[test]
fn any_value_is_skipped_and_returned_as_it_is() {
    for json in [
        "{}",
        "[]",
        "{ }",
        "[ ]",
        "0",
        "-0",
        "-12.5e+7",
        "1E9",
        "true",
        "false",
        "null",
        r#""""#,
        r#""a\"\\\u00e4""#,
        r#"{"a":[1,{"b":[]},"]"],"c":{}}"#,
        "[[],[[ ] , {}],3]",
        r#"{"a" : 1 ,"a":2}"#,
    ] {
        assert_eq!(whole(&format!(" \n{json}\t\r ")), Ok(json));
    }
}

#[test]
fn what_is_not_json_is_refused_at_its_place() {
    for (text, at) in [
        ("", 0),
        ("{", 1),
        ("{\"a\"", 4),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("[1}", 2),
        ("01", 1),
        ("1.", 2),
        ("-", 1),
        ("1e", 2),
        ("nul", 0),
        ("NaN", 0),
        ("\"a", 2),
        ("\"\n\"", 1),
        ("\"\\x\"", 2),
        ("\"\\u00g0\"", 5),
        ("{} {}", 3),
        ("[[[", 3),
    ] {
        assert_eq!(whole(text), Err(InvalidJson { at }), "{text}");
    }
}

#[test]
fn nesting_has_no_limit() {
    let depth = 1_000_000;
    let nested = r#"{"a":["#.repeat(depth) + &"]}".repeat(depth);
    assert_eq!(whole(&nested).map(str::len), Ok(nested.len()));
    assert!(whole(&nested.replacen("]}]", "]]]", 1)).is_err());
    assert!(whole(&nested[..nested.len() - 1]).is_err());
}

#[test]
fn keys_are_decoded_and_values_are_slices() {
    let (mut keys, mut values) = (vec![], vec![]);
    let long = "\\u0061".repeat(100);
    let text = format!(r#"{{"a": 1, "\u0062c":[2 ], "{long}":"x", "\ud800":null}}"#);
    Scanner::new(&text)
        .object(|key, scanner| {
            keys.push(key.to_owned());
            values.push(scanner.value()?.to_owned());
            Ok(())
        })
        .unwrap();
    assert_eq!(keys, ["a", "bc", &long, "\\ud800"]);
    assert_eq!(values, ["1", "[2 ]", "\"x\"", "null"]);
}

#[test]
fn texts_are_decoded_unless_half_a_surrogate_pair_is_in_them() {
    assert_eq!(decoded(r#""plain""#), Some("plain".into()));
    assert_eq!(decoded(r#""\ud83e\udd80\n""#), Some("🦀\n".into()));
    assert_eq!(decoded(r#""\ud83e""#), None);
}

proptest! {
    #[test]
    fn texts_made_of_pieces_of_json_are_judged_as_by_serde_json(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00e4", "a", "0", "-", ".5", "e9", "true", "null", " ", "\n", "é",
            "\"a\"", "\"a\":", "[]", "{}", "\u{1}",
        ]), 0..14),
    ) {
        prop_assert!(agrees_with_serde_json(&pieces.concat()));
    }

    #[test]
    fn any_text_is_judged_as_by_serde_json(text: String) {
        prop_assert!(agrees_with_serde_json(&text));
        let quoted = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(whole(&quoted), Ok(&*quoted));
        let again = decoded(&quoted);
        prop_assert_eq!(again.as_deref(), Some(&*text));
    }

    #[test]
    fn special_bytes_are_found_wherever_they_are(bytes: Vec<u8>) {
        let first = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        prop_assert_eq!(plain_length(&bytes), first.unwrap_or(bytes.len()));
    }
}
