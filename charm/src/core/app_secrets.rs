//! The application's secrets, which the leader stores for all units. The peer relation holds their URIs.

use std::collections::BTreeMap;

use super::facts::{Facts, Secret, SecretFact};

/// The content of a secret.
pub type Content = BTreeMap<String, Secret>;

/// A secret of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretLabel {
    /// The keys that encrypt data in the database.
    EncryptionKeys,
    /// The management API's certificate as last issued, with its key.
    Management,
    /// The connector's active leaf certificate, with its key.
    Connector,
    /// The connector's next leaf certificate, which the action `rotate-connector-certificate` activates.
    ConnectorNext,
}

impl SecretLabel {
    /// All labels.
    pub const ALL: [Self; 4] = [Self::EncryptionKeys, Self::Management, Self::Connector, Self::ConnectorNext];

    /// The label of the secret in Juju, and the key of its URI in the peer relation.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptionKeys => "encryption-keys",
            Self::Management => "management-certificate",
            Self::Connector => "connector-certificate",
            Self::ConnectorNext => "connector-certificate-next",
        }
    }
}

/// The state of a secret.
#[derive(Debug, Clone, Copy)]
pub enum Stored<'a> {
    /// The leader has not stored it yet.
    Absent,
    /// It is stored, but cannot be read now. It must not be generated again.
    Unreadable,
    /// Its content.
    Content(&'a Content),
}

/// The URI of a stored secret.
pub fn uri(facts: &Facts, label: SecretLabel) -> Option<&str> {
    facts.peers()?.our_app.get(label.name()).map(String::as_str).filter(|uri| !uri.is_empty())
}

/// Reads a secret.
pub fn read(facts: &Facts, label: SecretLabel) -> Stored<'_> {
    let Some(uri) = uri(facts, label) else { return Stored::Absent };
    match facts.secrets.get(uri) {
        Some(SecretFact::Content(content)) => Stored::Content(content),
        Some(SecretFact::Unreadable) | None => Stored::Unreadable,
    }
}
