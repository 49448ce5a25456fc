//! A JSON object whose fields are read one by one.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON object. Its fields stay unread until they are needed, so that an odd value costs only its own field: numbers
/// beyond any range, texts that are not Unicode and values nested beyond any depth included.
pub struct Document {
    kind: &'static str,
    fields: BTreeMap<String, Box<RawValue>>,
}

/// What is needed and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The document is not a JSON object.
    #[error("{kind}: not a JSON object ({bytes} bytes)")]
    NoObject {
        /// The kind of document.
        kind: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A field is missing, null or an empty text.
    #[error("{kind}: \"{field}\" is missing")]
    Missing {
        /// The kind of document.
        kind: &'static str,
        /// The name of the field.
        field: String,
    },
    /// A field has another type than it must have.
    #[error("{kind}: \"{field}\" must be {wanted}, and is {found}")]
    Invalid {
        /// The kind of document.
        kind: &'static str,
        /// The name of the field.
        field: String,
        /// What it must be.
        wanted: &'static str,
        /// The type that it has.
        found: &'static str,
    },
}

impl Document {
    /// Reads an object. `kind` names the document in errors. A byte order mark is ignored.
    pub fn read(kind: &'static str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let fields = serde_json::from_slice(text);
        let fields = fields.map_err(|_| Unreadable::NoObject { kind, bytes: bytes.len() })?;
        Ok(Self { kind, fields })
    }

    /// Whether there is a field, whatever its value.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// A field's value; `None` if it is missing, null or unreadable.
    pub fn value(&self, field: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(self.fields.get(field)?.get()).ok()?;
        (!value.is_null()).then_some(value)
    }

    /// A text. Anything else and an empty text count as missing.
    pub fn text(&self, field: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.fields.get(field)?.get()).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// A text that is needed.
    pub fn required_text(&self, field: &str) -> Result<String, Unreadable> {
        self.text(field).ok_or_else(|| self.problem(field, "a text"))
    }

    /// A finite number, or a text that is one. Anything else counts as missing.
    pub fn number(&self, field: &str) -> Option<f64> {
        let number = match self.value(field)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }

    /// A number that is needed.
    pub fn required_number(&self, field: &str) -> Result<f64, Unreadable> {
        self.number(field).ok_or_else(|| self.problem(field, "a number"))
    }

    /// A time span in whole seconds. One that is not positive counts as missing.
    pub fn seconds(&self, field: &str) -> Option<u64> {
        let seconds = self.number(field).map(whole).filter(|seconds| *seconds > 0)?;
        u64::try_from(seconds).ok()
    }

    /// The texts of a list, or the only text. Anything else in the list is left out.
    pub fn texts(&self, field: &str) -> Vec<String> {
        match self.value(field) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The objects of a list that is needed, as documents of this kind. Anything else in the list is left out.
    pub fn required_objects(&self, field: &str, kind: &'static str) -> Result<Vec<Self>, Unreadable> {
        let list = self
            .fields
            .get(field)
            .and_then(|list| serde_json::from_str::<Vec<Box<RawValue>>>(list.get()).ok());
        let list = list.ok_or_else(|| self.problem(field, "a list"))?;
        Ok(list.iter().filter_map(|one| Self::read(kind, one.get().as_bytes()).ok()).collect())
    }

    /// Why a field cannot be read.
    pub fn problem(&self, field: &str, wanted: &'static str) -> Unreadable {
        let (kind, field) = (self.kind, field.to_owned());
        let Some(raw) = self.fields.get(&field) else { return Unreadable::Missing { kind, field } };
        let found = match raw.get().as_bytes().first() {
            Some(b'"') if raw.get() == "\"\"" => return Unreadable::Missing { kind, field },
            Some(b'n') => return Unreadable::Missing { kind, field },
            Some(b'"') => "another text",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "true or false",
            _ => "another number",
        };
        Unreadable::Invalid { kind, field, wanted, found }
    }
}

/// A number without its fraction. One beyond the range becomes the end of the range.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for; the conversion saturates")]
pub fn whole(number: f64) -> i64 {
    number as i64
}

impl fmt::Debug for Document {
    /// Only the names: the values may be tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("kind", &self.kind).field("fields", &self.fields.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::read("claims", text.as_bytes()).unwrap()
    }

    #[test]
    fn odd_value_costs_only_its_own_field() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for odd in ["1e999", "-1e999", "123456789012345678901234567890", r#""\ud800""#, r#""\u0000""#, &deep]
        {
            let document = document(&format!(r#"{{"a":"b","odd":{odd}}}"#));
            assert_eq!(document.text("a").as_deref(), Some("b"), "{odd:.20}");
        }
        assert_eq!(document("\u{feff}{\"a\":\"b\"}").text("a").as_deref(), Some("b"));
        for text in ["", "[]", "null", "\"a\"", "{", "{\"a\":}", "<html>"] {
            assert!(Document::read("claims", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn number_may_be_a_text() {
        for (text, number) in [
            ("3599", Some(3599.0)),
            ("3599.5", Some(3599.5)),
            ("\"3599\"", Some(3599.0)),
            ("\" 3599.0 \"", Some(3599.0)),
            ("-1", Some(-1.0)),
            ("\"NaN\"", None),
            ("\"inf\"", None),
            ("\"soon\"", None),
            ("\"\"", None),
            ("null", None),
            ("[1]", None),
            ("1e999", None),
        ] {
            assert_eq!(document(&format!(r#"{{"n":{text}}}"#)).number("n"), number, "{text}");
        }
    }

    #[test]
    fn time_span_is_positive() {
        for (text, seconds) in [
            ("3599", Some(3599)),
            ("\"3599\"", Some(3599)),
            ("3599.9", Some(3599)),
            ("0", None),
            ("-1", None),
            ("0.5", None),
            ("1e300", Some(u64::MAX / 2)),
            ("{}", None),
        ] {
            assert_eq!(document(&format!(r#"{{"n":{text}}}"#)).seconds("n"), seconds, "{text}");
        }
    }

    #[test]
    fn unreadable_field_is_named_without_its_value() {
        let document = document(r#"{"a":null,"b":"","c":[1],"d":12345,"e":{"f":1},"g":"later"}"#);
        let problem = |field| document.required_text(field).unwrap_err().to_string();
        for field in ["a", "b", "missing"] {
            assert_eq!(problem(field), format!("claims: \"{field}\" is missing"));
        }
        assert_eq!(problem("c"), "claims: \"c\" must be a text, and is a list");
        assert_eq!(problem("d"), "claims: \"d\" must be a text, and is another number");
        assert_eq!(problem("e"), "claims: \"e\" must be a text, and is an object");
        assert_eq!(
            document.required_number("g").unwrap_err().to_string(),
            "claims: \"g\" must be a number, and is another text"
        );
        assert!(!format!("{document:?}").contains("12345"));
    }

    #[test]
    fn list_of_texts_may_be_one_text() {
        let document = document(r#"{"a":["x",1,null,"y"],"b":"z","c":{"d":1},"e":null}"#);
        assert_eq!(document.texts("a"), ["x", "y"]);
        assert_eq!(document.texts("b"), ["z"]);
        assert!(document.texts("c").is_empty() && document.texts("e").is_empty());
    }
}
