//! A hub, either through its database or over its API. Both return the API's types, so commands print the same.

mod local;
mod remote;

use api::{
    Cluster, CreatedServiceAccount, EventPage, EventQuery, JoinToken, ServiceAccount, SessionPage,
    SessionQuery,
};
use fleet::service_account::ServiceAccountName;
use fleet::{ClusterChange, Role};
use protocol::ClusterName;
use secrecy::SecretString;
use settings::Source;
use time::{Duration, OffsetDateTime};

pub(crate) use local::{Local, create_join_token};

use crate::remote::Client;
use crate::{Failure, Services};

/// A hub.
pub(crate) enum Backend {
    /// Through its database.
    Local(Local),
    /// Over its API.
    Remote(Client),
}

/// A value with the hub's time at which it was read.
pub(crate) struct Seen<T> {
    pub(crate) value: T,
    pub(crate) now: OffsetDateTime,
}

/// The state of all clusters.
pub(crate) struct Fleet {
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) now: OffsetDateTime,
    /// For how long the hub has not accepted heartbeats, if this is an outage.
    pub(crate) outage: Option<Duration>,
}

/// A join token that was just created.
pub(crate) struct NewToken {
    pub(crate) name: ClusterName,
    pub(crate) token: SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

/// A service account to create.
pub(crate) struct NewAccount {
    pub(crate) name: ServiceAccountName,
    pub(crate) role: Role,
    pub(crate) description: String,
    /// The default lifetime if absent.
    pub(crate) expiry: Option<OffsetDateTime>,
}

impl Backend {
    /// The hub whose database the settings name.
    pub(crate) fn local(source: Source, services: &'static dyn Services) -> Self {
        Self::Local(Local::new(source, services))
    }

    /// Returns all clusters, sorted by the bytes of their names.
    pub(crate) async fn clusters(&self) -> Result<Fleet, Failure> {
        match self {
            Self::Local(local) => local.clusters().await,
            Self::Remote(client) => client.clusters().await,
        }
    }

    /// Returns the cluster with this name.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Option<Seen<Cluster>>, Failure> {
        match self {
            Self::Local(local) => local.cluster(name).await,
            Self::Remote(client) => client.cluster(name).await,
        }
    }

    /// Changes a cluster. Returns whether there is one with this name.
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

    /// Removes a cluster. Returns whether there was one with this name.
    pub(crate) async fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.remove_cluster(name).await,
            Self::Remote(client) => client.remove_cluster(name).await,
        }
    }

    /// Creates a join token.
    pub(crate) async fn create_join_token(
        &self,
        name: ClusterName,
        description: String,
        expiry: Option<OffsetDateTime>,
    ) -> Result<NewToken, Failure> {
        match self {
            Self::Local(local) => local.create_join_token(name, description, expiry).await,
            Self::Remote(client) => client.create_join_token(name, description, expiry).await,
        }
    }

    /// Returns the join tokens that have not been used, oldest first.
    pub(crate) async fn join_tokens(&self) -> Result<Seen<Vec<JoinToken>>, Failure> {
        match self {
            Self::Local(local) => local.join_tokens().await,
            Self::Remote(client) => client.join_tokens().await,
        }
    }

    /// Revokes a join token. Returns whether there was one for this name.
    pub(crate) async fn revoke_join_token(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.revoke_join_token(name).await,
            Self::Remote(client) => client.revoke_join_token(name).await,
        }
    }

    /// Creates a service account.
    pub(crate) async fn create_service_account(
        &self,
        account: NewAccount,
    ) -> Result<CreatedServiceAccount, Failure> {
        match self {
            Self::Local(local) => local.create_service_account(account).await,
            Self::Remote(client) => client.create_service_account(account).await,
        }
    }

    /// Returns a page of events, newest first.
    pub(crate) async fn events(&self, query: &EventQuery) -> Result<EventPage, Failure> {
        match self {
            Self::Local(local) => local.events(query).await,
            Self::Remote(client) => client.events(query).await,
        }
    }

    /// Returns all service accounts, sorted by the bytes of their names.
    pub(crate) async fn service_accounts(&self) -> Result<Seen<Vec<ServiceAccount>>, Failure> {
        match self {
            Self::Local(local) => local.service_accounts().await,
            Self::Remote(client) => client.service_accounts().await,
        }
    }

    /// Revokes a service account. Returns whether there was one with this name.
    pub(crate) async fn revoke_service_account(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.revoke_service_account(name).await,
            Self::Remote(client) => client.revoke_service_account(name).await,
        }
    }

    /// Returns a page of sessions, the newest sign-in first: over the API the caller's own unless the query says all, through
    /// the database everybody's.
    pub(crate) async fn sessions(&self, query: &SessionQuery) -> Result<SessionPage, Failure> {
        match self {
            Self::Local(local) => local.sessions(query).await,
            Self::Remote(client) => client.sessions(query).await,
        }
    }

    /// Ends a session. Returns whether there was one with this id.
    pub(crate) async fn end_session(&self, id: &str) -> Result<bool, Failure> {
        match self {
            Self::Local(local) => local.end_session(id).await,
            Self::Remote(client) => client.end_session(id).await,
        }
    }
}
