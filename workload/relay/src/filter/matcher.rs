//! Matchers such as `lxd_cpu_*{project="lab-*",type!="container"}`. `*` stands for any text, everything else for itself.

use std::fmt;
use std::str::FromStr;

use exposition::Parser;

use crate::labels::SeriesLabel;

/// Matches series by the metric's name and by labels. A label that a series does not have counts as empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    name: Glob,
    labels: Vec<LabelMatcher>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct LabelMatcher {
    name: String,
    value: Glob,
    is_wanted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(String);

/// A text that is not a matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(r#"{0:?} is not a matcher: it must look like lxd_cpu_* or lxd_*{{project="lab",type!="container"}}"#)]
pub struct InvalidMatcher(String);

impl Matcher {
    /// Whether it matches a metric's name.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.name.matches(name)
    }

    /// Whether it matches the labels of a series whose name it matches.
    pub(crate) fn matches_labels(&self, labels: &[SeriesLabel<'_>]) -> bool {
        self.labels.iter().all(|matcher| {
            let label = labels.iter().find(|label| label.name == matcher.name);
            let matches = match label {
                Some(label) => matcher.value.matches(&label.value.text()),
                None => matcher.value.matches(""),
            };
            matches == matcher.is_wanted
        })
    }
}

impl Glob {
    /// Backtracks to the last star only, which is sufficient and never slow.
    fn matches(&self, text: &str) -> bool {
        let (glob, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut g, mut t) = (0, 0);
        let mut last_star = None;
        while t < text.len() {
            match glob.get(g) {
                Some(b'*') => {
                    last_star = Some((g, t));
                    g += 1;
                }
                Some(byte) if *byte == text[t] => {
                    g += 1;
                    t += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else { return false };
                    last_star = Some((star, taken + 1));
                    g = star + 1;
                    t = taken + 1;
                }
            }
        }
        glob[g..].iter().all(|byte| *byte == b'*')
    }
}

impl FromStr for Matcher {
    type Err = InvalidMatcher;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| InvalidMatcher(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Matcher> {
    let (name, labels) = match text.split_once('{') {
        Some((name, labels)) => (name.trim_end(), labels.strip_suffix('}')?),
        None => (text, ""),
    };
    let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':' | '*');
    if !name.chars().all(is_name) || (name.is_empty() && labels.is_empty()) {
        return None;
    }
    // Without a name, as in `{project="lab"}`, every name matches.
    let name = if name.is_empty() { "*" } else { name };
    Some(Matcher { name: Glob(name.to_owned()), labels: parse_labels(labels)? })
}

/// Labels are quoted as in an exposition, so the exposition's parser reads them. Only `!` is parsed here.
fn parse_labels(mut text: &str) -> Option<Vec<LabelMatcher>> {
    let mut labels = Vec::new();
    while !text.trim_start().is_empty() {
        let (name, behind) = text.split_once('=')?;
        let (name, is_wanted) = match name.trim().strip_suffix('!') {
            Some(name) => (name.trim_end(), false),
            None => (name.trim(), true),
        };
        let quoted = behind.trim_start();
        let length = quoted_length(quoted)?;
        let line = format!("m{{{name}={}}} 0", &quoted[..length]);
        let mut parser = Parser::new(line.as_bytes());
        let sample = parser.next()?.ok()?;
        let [label] = sample.labels else { return None };
        let value = Glob(label.value.text().into_owned());
        labels.push(LabelMatcher { name: label.name.to_owned(), value, is_wanted });
        let rest = quoted[length..].trim_start();
        text = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(labels)
}

/// The length of the quoted text at the beginning, including its quotes.
fn quoted_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name.0)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels: Vec<_> = self.labels.iter().map(LabelMatcher::to_string).collect();
        write!(f, "{{{}}}", labels.join(","))
    }
}

impl fmt::Display for LabelMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.0.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{}{}\"{value}\"", self.name, if self.is_wanted { "=" } else { "!=" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_matches_any_text() {
        let matches = |glob: &str, text: &str| Glob(glob.to_owned()).matches(text);
        for (glob, text) in
            [("*", ""), ("a", "a"), ("a*", "a"), ("*b*", "abc"), ("a*b*c", "aXbYbZc"), ("**é", "xé")]
        {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [("", "a"), ("a", ""), ("a*b", "abc"), ("*a", "b"), ("a?", "ab")] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn matcher_is_written_as_it_is_read() {
        for text in ["lxd_*", "*", r#"a{b="c"}"#, r#"a:b{c!="",d="*\"\\\n,}"}"#] {
            assert_eq!(text.parse::<Matcher>().map(|matcher| matcher.to_string()).as_deref(), Ok(text));
        }
        let spaced: Matcher = r#" lxd_x { a = "b" , c != "d" , } "#.parse().unwrap();
        assert_eq!(spaced.to_string(), r#"lxd_x{a="b",c!="d"}"#);
        let any: Matcher = r#"{a="b"}"#.parse().unwrap();
        assert_eq!(any.to_string(), r#"*{a="b"}"#);
    }

    #[test]
    fn invalid_matcher_explains_the_syntax() {
        for text in
            ["", "a b", "a{", "a}", "a{b}", "a{b=c}", "a{b=\"c}", "a{b=\"c\" d=\"e\"}", "{}", "a{b:c=\"\"}"]
        {
            let error = text.parse::<Matcher>().unwrap_err().to_string();
            assert!(error.contains("it must look like lxd_cpu_*"), "{text}: {error}");
        }
    }
}
