//! The rules for a cluster's name (contract 1.2). Names are escaped where they are written, never altered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{self, UnsuitableText};

/// A cluster's name: 1 to 255 characters, none of them a control character (contract 1.2).
///
/// Any other character is allowed, for example `/`, `%`, quotation marks and emoji. Names for new clusters are checked
/// more strictly: see [`ClusterName::for_new_cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

/// Why text is not a cluster name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClusterName {
    /// The name is empty.
    #[error("a cluster name cannot be empty")]
    Empty,
    /// The name has more than [`ClusterName::MAX_CHARACTERS`] characters.
    #[error("a cluster name has at most 255 characters")]
    TooLong,
    /// The name contains a control character, for example a line break or NUL.
    #[error("a cluster name cannot contain control characters")]
    ControlCharacter,
    /// The name is fine for a cluster that has it, but not for a new one.
    #[error("a cluster name {0}")]
    Unsuitable(#[from] UnsuitableText),
}

impl ClusterName {
    /// The maximum length of a name in characters, not bytes.
    pub const MAX_CHARACTERS: usize = 255;

    /// Checks that the text is a valid name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidClusterName> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidClusterName::Empty);
        }
        // A character has at most four bytes, so a longer text need not be counted.
        if text.len() > 4 * Self::MAX_CHARACTERS || text.chars().count() > Self::MAX_CHARACTERS {
            return Err(InvalidClusterName::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidClusterName::ControlCharacter);
        }
        Ok(Self(text))
    }

    /// Checks that the text is a name for a new cluster. It must look like no other, so it contains no invisible
    /// characters, and no blanks at its ends.
    pub fn for_new_cluster(text: impl Into<String>) -> Result<Self, InvalidClusterName> {
        let name = Self::new(text)?;
        text::check_line(name.as_str())?;
        Ok(name)
    }

    /// Wraps a stored name without checking it. A name that another program stored under other rules can still be
    /// shown, found and removed.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = InvalidClusterName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for ClusterName {
    type Error = InvalidClusterName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_printable_character_is_accepted() {
        for name in ["a", "a/b?c#d%", "\"quoted\" <img onerror>", "café 🦀", &"é".repeat(255)] {
            assert_eq!(ClusterName::new(name).map(String::from).as_deref(), Ok(name));
        }
    }

    #[test]
    fn name_for_a_new_cluster_looks_like_no_other() {
        for name in ["paris", "a/b?c#d%", "café 🦀", "北京 1"] {
            assert_eq!(ClusterName::for_new_cluster(name).map(String::from).as_deref(), Ok(name));
        }
        for (name, problem) in [
            ("pa\u{200b}ris", "a cluster name cannot contain invisible characters (U+200B)"),
            ("\u{202e}sirap", "a cluster name cannot contain invisible characters (U+202E)"),
            (" paris", "a cluster name cannot begin or end with a blank"),
            ("paris\u{a0}", "a cluster name cannot begin or end with a blank"),
            ("", "a cluster name cannot be empty"),
        ] {
            assert_eq!(ClusterName::for_new_cluster(name).unwrap_err().to_string(), problem);
        }
        // A cluster that has such a name keeps it.
        assert!(ClusterName::new("pa\u{200b}ris ").is_ok());
    }

    #[test]
    fn empty_and_long_names_and_control_characters_are_refused() {
        assert_eq!(ClusterName::new(""), Err(InvalidClusterName::Empty));
        assert_eq!(ClusterName::new("é".repeat(256)), Err(InvalidClusterName::TooLong));
        assert_eq!(ClusterName::new("a".repeat(100_000)), Err(InvalidClusterName::TooLong));
        for name in ["a\0b", "a\nb", "\u{7f}", "\u{85}"] {
            assert_eq!(ClusterName::new(name), Err(InvalidClusterName::ControlCharacter), "{name:?}");
        }
    }
}
