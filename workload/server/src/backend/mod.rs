//! Where commands find what they show and change: in the database itself, or at a hub over its API. What they print
//! is the same, since both give the API's own types.

mod local;
mod remote;

use fleet::service_account::ServiceAccountName;
use fleet::{ClusterChange, Role};
use management::model::{Cluster, CreatedServiceAccount, EventPage, EventQuery, JoinToken, ServiceAccount};
use protocol::ClusterName;
use secrecy::SecretString;
use settings::Source;
use time::{Duration, OffsetDateTime};

pub(crate) use local::{Local, create_join_token};

use crate::failure::Failure;
use crate::remote::Client;

/// A hub, one way or the other.
pub(crate) enum Backend {
    /// By its database.
    Local(Local),
    /// Over its API.
    Remote(Client),
}

/// Something with the hub's time at which it was so.
pub(crate) struct Seen<T> {
    pub(crate) value: T,
    pub(crate) now: OffsetDateTime,
}

/// All clusters as they stand.
pub(crate) struct Fleet {
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) now: OffsetDateTime,
    /// For how long no connector has been accepting heartbeats, where that is known and too long.
    pub(crate) silence: Option<Duration>,
}

/// A join token that was made just now.
pub(crate) struct MadeToken {
    pub(crate) name: ClusterName,
    pub(crate) token: SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

/// A service account to be made.
pub(crate) struct WantedAccount {
    pub(crate) name: ServiceAccountName,
    pub(crate) role: Role,
    pub(crate) description: String,
    pub(crate) expiry: Option<OffsetDateTime>,
}

impl Backend {
    /// The database that the settings name.
    pub(crate) fn local(source: Source) -> Self {
        Self::Local(Local::new(source))
    }

    /// All clusters, by the bytes of their names.
    pub(crate) async fn clusters(&self) -> Result<Fleet, Failure> {
        match self {
            Self::Local(local) => local.clusters().await,
            Self::Remote(client) => client.clusters().await,
        }
    }

    /// One cluster, if there is one of that name.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Option<Seen<Cluster>>, Failure> {
        match self {
            Self::Local(local) => local.cluster(name).await,
            Self::Remote(client) => client.cluster(name).await,
        }
    }

    /// Changes a cluster; says whether there is one of that name.
    pub(crate) async fn configure_cluster(
        &self,
        name: &str,
        change: &ClusterChange,
    ) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.configure_cluster(name, change).await,
            Self::Remote(client) => client.configure_cluster(name, change).await,
        }
    }

    /// Removes a cluster; says whether there was one of that name.
    pub(crate) async fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.remove_cluster(name).await,
            Self::Remote(client) => client.remove_cluster(name).await,
        }
    }

    /// Makes a join token.
    pub(crate) async fn create_join_token(
        &self,
        name: ClusterName,
        description: String,
        expiry: Option<OffsetDateTime>,
    ) -> Result<MadeToken, Failure> {
        match self {
            Self::Local(local) => local.create_join_token(name, description, expiry).await,
            Self::Remote(client) => client.create_join_token(name, description, expiry).await,
        }
    }

    /// The join tokens that were not used yet, oldest first.
    pub(crate) async fn join_tokens(&self) -> Result<Seen<Vec<JoinToken>>, Failure> {
        match self {
            Self::Local(local) => local.join_tokens().await,
            Self::Remote(client) => client.join_tokens().await,
        }
    }

    /// Takes a join token back; says whether there was one for that name.
    pub(crate) async fn revoke_join_token(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.revoke_join_token(name).await,
            Self::Remote(client) => client.revoke_join_token(name).await,
        }
    }

    /// Makes a service account.
    pub(crate) async fn create_service_account(
        &self,
        wanted: WantedAccount,
    ) -> Result<CreatedServiceAccount, Failure> {
        match self {
            Self::Local(local) => local.create_service_account(wanted).await,
            Self::Remote(client) => client.create_service_account(wanted).await,
        }
    }

    /// Some rows of the audit trail, newest first.
    pub(crate) async fn events(&self, query: &EventQuery) -> Result<EventPage, Failure> {
        match self {
            Self::Local(local) => local.events(query).await,
            Self::Remote(client) => client.events(query).await,
        }
    }

    /// All service accounts, by the bytes of their names.
    pub(crate) async fn service_accounts(&self) -> Result<Seen<Vec<ServiceAccount>>, Failure> {
        match self {
            Self::Local(local) => local.service_accounts().await,
            Self::Remote(client) => client.service_accounts().await,
        }
    }

    /// Revokes a service account; says whether there was one of that name.
    pub(crate) async fn revoke_service_account(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.revoke_service_account(name).await,
            Self::Remote(client) => client.revoke_service_account(name).await,
        }
    }
}
