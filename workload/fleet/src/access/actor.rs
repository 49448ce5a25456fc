//! Who did something, and from where. Every change is recorded with it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// A person who signed in, or whose access token a program presented.
    Person,
    /// A program with the token of a service account.
    ServiceAccount,
    /// Somebody at the hub's own command line, who has the database's password.
    CommandLine,
    /// A cluster, known by its certificate or join token.
    Cluster,
    /// The hub itself.
    Hub,
    /// An unknown actor.
    Unknown,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// An id that never changes: the identity provider's subject, a cluster's uid, a service account's name.
    pub id: String,
    /// The display name.
    pub name: String,
}

/// Who did something and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The actor.
    pub actor: Actor,
    /// The address that the request came from, if it came over the network.
    pub address: Option<IpAddr>,
    /// The id of the request, as the log has it.
    pub request_id: Option<String>,
}

impl ActorKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Person, Self::ServiceAccount, Self::CommandLine, Self::Cluster, Self::Hub, Self::Unknown];

    /// The kind as a word, as in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::ServiceAccount => "service-account",
            Self::CommandLine => "command-line",
            Self::Cluster => "cluster",
            Self::Hub => "hub",
            Self::Unknown => "unknown",
        }
    }

    /// The kind from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Actor {
    /// An unknown actor.
    pub fn unknown() -> Self {
        Self { kind: ActorKind::Unknown, id: String::new(), name: String::new() }
    }

    /// The hub itself.
    pub fn hub() -> Self {
        Self { kind: ActorKind::Hub, id: String::new(), name: "cluster-manager".to_owned() }
    }

    /// Somebody at the hub's own command line, by the name of their account on that machine.
    pub fn command_line(user: &str) -> Self {
        Self { kind: ActorKind::CommandLine, id: user.to_owned(), name: user.to_owned() }
    }

    /// The origin of something that did not come over the network.
    pub fn locally(self) -> Origin {
        Origin { actor: self, address: None, request_id: None }
    }
}
