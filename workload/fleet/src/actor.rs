//! Who did something, and from where: what every change is recorded with.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What kind of somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// Somebody who signed in, or whose access token a program presented.
    Person,
    /// A program with a token of ours.
    ServiceAccount,
    /// Somebody at the command line of the hub itself, with the database's password.
    CommandLine,
    /// A cluster, by its certificate or join token.
    Cluster,
    /// The hub, by itself.
    Hub,
    /// Nobody that we know.
    Unknown,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// What never changes of them: the identity provider's subject, a cluster's uid, a service account's name.
    pub id: String,
    /// What people call them.
    pub name: String,
}

/// Who did something and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// From which address, if over the network.
    pub address: Option<IpAddr>,
    /// In which request, if in one: the name by which the log knows it.
    pub request_id: Option<String>,
}

impl ActorKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Person, Self::ServiceAccount, Self::CommandLine, Self::Cluster, Self::Hub, Self::Unknown];

    /// The kind in a word, as API and database have it.
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
    /// Nobody that we know.
    pub fn unknown() -> Self {
        Self { kind: ActorKind::Unknown, id: String::new(), name: String::new() }
    }

    /// The hub itself.
    pub fn hub() -> Self {
        Self { kind: ActorKind::Hub, id: String::new(), name: "cluster-manager".to_owned() }
    }

    /// Somebody at the hub's own command line, under the name of their account there.
    pub fn command_line(user: &str) -> Self {
        Self { kind: ActorKind::CommandLine, id: user.to_owned(), name: user.to_owned() }
    }

    /// Over no network and in no request.
    pub fn locally(self) -> Origin {
        Origin { actor: self, address: None, request_id: None }
    }
}
