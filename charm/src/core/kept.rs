//! What the leader keeps for all units: secrets of the application, whose URIs stand in the peers' relation.

use std::collections::BTreeMap;

use super::facts::{Facts, Secret, SecretFact};

/// The content of a secret.
pub type Content = BTreeMap<String, Secret>;

/// Something that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The keys for what is encrypted in the database.
    EncryptionKeys,
    /// The management API's certificate, as it was last issued.
    Management,
    /// The connector's leaf in force.
    Connector,
    /// The leaf that the connector is to change to, once somebody says so.
    ConnectorNext,
}

impl Label {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::EncryptionKeys, Self::Management, Self::Connector, Self::ConnectorNext];

    /// The secret's label, and its key in the peers' relation.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptionKeys => "encryption-keys",
            Self::Management => "management-certificate",
            Self::Connector => "connector-certificate",
            Self::ConnectorNext => "connector-certificate-next",
        }
    }
}

/// What is known of something that may be kept.
#[derive(Debug, Clone, Copy)]
pub enum Kept<'a> {
    /// The leader has not made it yet.
    Absent,
    /// It is there, but cannot be read now. It must not be made again.
    Unreadable,
    /// This is it.
    Content(&'a Content),
}

/// Where something that is kept lies.
pub fn uri(facts: &Facts, label: Label) -> Option<&str> {
    facts.peers()?.our_app.get(label.name()).map(String::as_str).filter(|uri| !uri.is_empty())
}

/// Reads what is kept.
pub fn read(facts: &Facts, label: Label) -> Kept<'_> {
    let Some(uri) = uri(facts, label) else { return Kept::Absent };
    match facts.secrets.get(uri) {
        Some(SecretFact::Content(content)) => Kept::Content(content),
        Some(SecretFact::Unreadable) | None => Kept::Unreadable,
    }
}
