//! A hub over its API (contract section 2).

use api::{
    Cluster, CreatedJoinToken, CreatedServiceAccount, EventPage, EventQuery, FleetTotals, JoinToken,
    NewJoinToken, NewServiceAccount, ServiceAccount, SessionPage, SessionQuery,
};
use fleet::ClusterChange;
use protocol::{ClusterName, JoinToken as Token};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use time::OffsetDateTime;

use super::{Fleet, NewAccount, NewToken, Seen};
use crate::Failure;
use crate::remote::{Client, Response};

const CLUSTER: &str = "remote-cluster";
const TOKEN: &str = "remote-cluster-join-token";
const EVENT: &str = "event";
const ACCOUNT: &str = "service-account";
const SESSION: &str = "session";

/// The body of a change. Absent fields stay as they are.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_threshold: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_threshold: Option<u8>,
}

impl Client {
    /// Returns a list. A list is reported as not found only if the hub has no such route.
    async fn list<T: DeserializeOwned>(&self, what: &str) -> Result<Response<Vec<T>>, Failure> {
        self.get(&["1.0", what]).await.map_err(|failure| match failure {
            Failure::NotFound(_) => {
                Failure::Other(format!("{} has no /1.0/{what}: it may run an older version", self.hub()))
            }
            failure => failure,
        })
    }

    pub(super) async fn clusters(&self) -> Result<Fleet, Failure> {
        let totals: FleetTotals = self.get(&["1.0", "fleet"]).await?.metadata;
        let outage = totals.hub_outage_since.map(|since| totals.as_of - since);
        let Response { metadata, now } = self.list(CLUSTER).await?;
        Ok(Fleet { clusters: metadata, now, outage })
    }

    pub(super) async fn cluster(&self, name: &str) -> Result<Option<Seen<Cluster>>, Failure> {
        match self.get(&["1.0", CLUSTER, name]).await {
            Ok(Response { metadata, now }) => Ok(Some(Seen { value: metadata, now })),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn events(&self, query: &EventQuery) -> Result<EventPage, Failure> {
        Ok(self.get_matching(&["1.0", EVENT], &query.to_pairs()).await?.metadata)
    }

    pub(super) async fn configure_cluster(
        &self,
        name: &str,
        change: &ClusterChange,
    ) -> Result<bool, Failure> {
        let body = Change {
            description: change.description.as_deref(),
            disk_threshold: change.disk_threshold.map(fleet::Percent::get),
            memory_threshold: change.memory_threshold.map(fleet::Percent::get),
        };
        match self.send_json::<IgnoredAny>(Method::PATCH, &["1.0", CLUSTER, name], &body).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        self.delete(&["1.0", CLUSTER, name]).await
    }

    pub(super) async fn create_join_token(
        &self,
        name: ClusterName,
        description: String,
        expiry: Option<OffsetDateTime>,
    ) -> Result<NewToken, Failure> {
        let body = NewJoinToken { cluster_name: name.to_string(), description: Some(description), expiry };
        let created: CreatedJoinToken = self.send_json(Method::POST, &["1.0", TOKEN], &body).await?;
        let token = Token::decode(created.token.expose_secret())
            .map_err(|_| Failure::Other(format!("{}: the response contains no join token", self.hub())))?;
        Ok(NewToken { name, token: created.token, expires_at: token.expires_at })
    }

    pub(super) async fn join_tokens(&self) -> Result<Seen<Vec<JoinToken>>, Failure> {
        let Response { metadata, now } = self.list(TOKEN).await?;
        Ok(Seen { value: metadata, now })
    }

    pub(super) async fn revoke_join_token(&self, name: &str) -> Result<bool, Failure> {
        self.delete(&["1.0", TOKEN, name]).await
    }

    pub(super) async fn create_service_account(
        &self,
        account: NewAccount,
    ) -> Result<CreatedServiceAccount, Failure> {
        let NewAccount { name, role, description, expiry } = account;
        let body = NewServiceAccount { name: name.to_string(), role, description: Some(description), expiry };
        self.send_json(Method::POST, &["1.0", ACCOUNT], &body).await
    }

    pub(super) async fn service_accounts(&self) -> Result<Seen<Vec<ServiceAccount>>, Failure> {
        let Response { metadata, now } = self.list(ACCOUNT).await?;
        Ok(Seen { value: metadata, now })
    }

    pub(super) async fn revoke_service_account(&self, name: &str) -> Result<bool, Failure> {
        self.delete(&["1.0", ACCOUNT, name]).await
    }

    pub(super) async fn sessions(&self, query: &SessionQuery) -> Result<SessionPage, Failure> {
        Ok(self.get_matching(&["1.0", SESSION], &query.to_pairs()).await?.metadata)
    }

    pub(super) async fn end_session(&self, id: &str) -> Result<bool, Failure> {
        self.delete(&["1.0", SESSION, id]).await
    }
}
