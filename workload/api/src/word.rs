//! Words of closed vocabularies: states, kinds, severities, roles.
//!
//! OpenAPI lists the words of each vocabulary. A client that meets a word of a newer hub keeps it as it is.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema::SchemaType};
use utoipa::{PartialSchema, ToSchema};

use crate::known;

/// A closed set of words.
pub trait Vocabulary: Copy + Eq + 'static {
    /// The name of the type in OpenAPI.
    const NAME: &'static str;
    /// The description of the type in OpenAPI.
    const DESCRIPTION: &'static str;
    /// All words, in the order in which OpenAPI lists them.
    const KNOWN: &'static [Self];

    /// The word on the wire.
    fn word(self) -> &'static str;
}

/// A word of a vocabulary, or a word that this program does not know. Reading one never fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Word<T> {
    /// A word that this version knows.
    Known(T),
    /// A word that a newer hub may have added.
    Unknown(String),
}

impl<T: Vocabulary> Word<T> {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.word(),
            Self::Unknown(word) => word,
        }
    }

    /// The meaning of the word, if this program knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: Vocabulary> From<T> for Word<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: Vocabulary> Word<T> {
    /// A word as it was read.
    pub fn from_text(text: impl Into<String> + AsRef<str>) -> Self {
        let known = T::KNOWN.iter().copied().find(|known| known.word() == text.as_ref());
        known.map_or_else(|| Self::Unknown(text.into()), Self::Known)
    }
}

impl<T: Vocabulary> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<T: Vocabulary> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Vocabulary> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_text)
    }
}

impl<T: Vocabulary> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some(T::DESCRIPTION))
            .enum_values(Some(T::KNOWN.iter().map(|known| known.word())))
            .into()
    }
}

impl<T: Vocabulary> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        T::NAME.into()
    }
}

macro_rules! vocabularies {
    ($($name:ident: $known:ty, $description:literal;)*) => {$(
        #[doc = $description]
        pub type $name = Word<$known>;

        impl Vocabulary for $known {
            const NAME: &'static str = stringify!($name);
            const DESCRIPTION: &'static str = $description;
            const KNOWN: &'static [Self] = &<$known>::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
}

vocabularies! {
    HealthState: fleet::HealthState, "How recently a cluster has reported.";
    WarningKind: fleet::WarningKind, "The subject of a warning.";
    Severity: fleet::Severity, "How urgent a warning is.";
    Role: fleet::Role, "What a person or a program may do. Each role includes the ones before it.";
    ActorKind: fleet::ActorKind, "The kind of an actor.";
    SortBy: fleet::query::SortBy, "What the list of clusters is sorted by.";
    SortOrder: fleet::query::Order, "Ascending or descending.";
    ListFields: fleet::query::Fields, "How much of each cluster is listed.";
    HistoryResolution: fleet::history::Resolution,
        "`5m` has a point every five minutes of the last two days, `1h` one every hour of the last ninety days.";
    ProviderState: known::ProviderState, "The outcome of the last call to the identity provider.";
    SinkState: known::SinkState, "Whether a metrics sink accepts samples.";
    StreamEventKind: known::StreamEventKind, "The kind of a server-sent event.";
    ChangeKind: known::ChangeKind, "What happened to a cluster.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_word_keeps_its_meaning_and_spelling() {
        let state: HealthState = serde_json::from_str("\"late\"").unwrap();
        assert_eq!(state.known(), Some(fleet::HealthState::Late));
        assert_eq!(serde_json::to_string(&state).unwrap(), "\"late\"");
    }

    #[test]
    fn unknown_word_is_read_and_written_unchanged() {
        let kind: WarningKind = serde_json::from_str("\"solar-flare\"").unwrap();
        assert_eq!((kind.known(), kind.as_str()), (None, "solar-flare"));
        assert_eq!(serde_json::to_string(&kind).unwrap(), "\"solar-flare\"");
    }

    #[test]
    fn schema_lists_the_words() {
        let schema = serde_json::to_value(Severity::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::json!(["warning", "critical"]));
        assert_eq!(Severity::name(), "Severity");
    }
}
