//! A hub through its database: for its administrators, and before anybody can sign in.

use api::{
    Cluster, CreatedServiceAccount, EventPage, EventQuery, JoinToken, ServiceAccount, SessionPage,
    SessionQuery,
};
use fleet::session::InvalidSessionCursor;
use fleet::{ClusterChange, PendingToken, ServiceToken, service_account, token};
use protocol::{ClusterName, Fingerprint, JoinToken as Token, Secret};
use secrecy::SecretString;
use settings::{Source, table};
use store::Store;
use store::access::{CreateServiceAccountError, NewServiceAccount, SessionSelection};
use store::enrolment::CreateTokenError;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use super::{Fleet, NewAccount, NewToken, Seen};
use crate::output::note;
use crate::setup::{self, command_line_origin};
use crate::{ConnectorEndpoint, Failure, Services};

/// The database that the settings name. It connects when it is first used.
pub(crate) struct Local {
    source: Source,
    services: &'static dyn Services,
    store: OnceCell<Store>,
}

impl Local {
    pub(super) fn new(source: Source, services: &'static dyn Services) -> Self {
        Self { source, services, store: OnceCell::new() }
    }

    /// Returns the store after checking, once, that its schema is the one that this program needs.
    async fn store(&self) -> Result<&Store, Failure> {
        let open = async || {
            let store = setup::store_without_secrets(&self.source)?;
            store.ensure_current().await?;
            Ok(store)
        };
        self.store.get_or_try_init(open).await
    }

    pub(super) async fn clusters(&self) -> Result<Fleet, Failure> {
        let rules = setup::health_rules(&self.source)?;
        let (clock, clusters) = self.store().await?.clusters().await?;
        Ok(Fleet {
            clusters: clusters.iter().map(|cluster| Cluster::new(cluster, &rules, &clock)).collect(),
            now: clock.now,
            outage: clock.is_outage().then(|| clock.now - clock.accepting_until),
        })
    }

    pub(super) async fn cluster(&self, name: &str) -> Result<Option<Seen<Cluster>>, Failure> {
        let rules = setup::health_rules(&self.source)?;
        let store = self.store().await?;
        let clock = store.service_clock().await?;
        let Some(cluster) = store.cluster(name).await? else { return Ok(None) };
        Ok(Some(Seen { value: Cluster::new(&cluster, &rules, &clock), now: clock.now }))
    }

    pub(super) async fn events(&self, query: &EventQuery) -> Result<EventPage, Failure> {
        let limit = query.limit.unwrap_or(EventQuery::DEFAULT_LIMIT);
        Ok(self.store().await?.events(&query.filter(), query.cursor, limit).await?.into())
    }

    pub(super) async fn configure_cluster(
        &self,
        name: &str,
        change: &ClusterChange,
    ) -> Result<bool, Failure> {
        Ok(self.store().await?.configure_cluster(name, change, &command_line_origin()).await?)
    }

    pub(super) async fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.remove_cluster(name, &command_line_origin()).await?)
    }

    pub(super) async fn create_join_token(
        &self,
        name: ClusterName,
        description: String,
        expiry: Option<OffsetDateTime>,
    ) -> Result<NewToken, Failure> {
        create_join_token(self.services, &self.source, name, description, expiry).await
    }

    pub(super) async fn join_tokens(&self) -> Result<Seen<Vec<JoinToken>>, Failure> {
        let store = self.store().await?;
        let (now, tokens) = (store.now().await?, store.join_tokens().await?);
        Ok(Seen { value: tokens.into_iter().map(JoinToken::from).collect(), now })
    }

    pub(super) async fn revoke_join_token(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.revoke_join_token(name, &command_line_origin()).await?)
    }

    pub(super) async fn create_service_account(
        &self,
        account: NewAccount,
    ) -> Result<CreatedServiceAccount, Failure> {
        let store = self.store().await?;
        let NewAccount { name, role, description, expiry } = account;
        let expiry = service_account::expiry(expiry, store.now().await?)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let token = ServiceToken::from_random(&rand::random());
        let account = NewServiceAccount { name, role, description, expiry };
        store.put_service_account(&account, &token, &command_line_origin()).await.map_err(
            |error| match error {
                CreateServiceAccountError::Store(error) => error.into(),
                taken @ CreateServiceAccountError::Exists(_) => Failure::Conflict(taken.to_string()),
            },
        )?;
        let token = SecretString::from(token.expose());
        Ok(CreatedServiceAccount { name: account.name.to_string(), token, role: role.into(), expiry })
    }

    pub(super) async fn service_accounts(&self) -> Result<Seen<Vec<ServiceAccount>>, Failure> {
        let store = self.store().await?;
        let (now, accounts) = (store.now().await?, store.service_accounts().await?);
        Ok(Seen { value: accounts.into_iter().map(ServiceAccount::from).collect(), now })
    }

    pub(super) async fn revoke_service_account(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.revoke_service_account(name, &command_line_origin()).await?)
    }

    pub(super) async fn sessions(&self, query: &SessionQuery) -> Result<SessionPage, Failure> {
        let after = query.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|error: InvalidSessionCursor| Failure::Usage(error.to_string()))?;
        let limit = query.limit.unwrap_or(SessionQuery::DEFAULT_LIMIT);
        let limits = setup::session_limits(&self.source)?;
        let selection = SessionSelection { subject: None, after, limit };
        Ok(SessionPage::new(self.store().await?.sessions(limits, selection).await?, None))
    }

    pub(super) async fn end_session(&self, id: &str) -> Result<bool, Failure> {
        let Ok(id) = id.parse() else { return Ok(false) };
        let limits = setup::session_limits(&self.source)?;
        let store = self.store().await?;
        Ok(store.end_listed_session(id, None, limits, &command_line_origin()).await?)
    }
}

/// Creates a join token with the connector's address and certificate from the settings.
pub(crate) async fn create_join_token(
    services: &dyn Services,
    source: &Source,
    name: ClusterName,
    description: String,
    expiry: Option<OffsetDateTime>,
) -> Result<NewToken, Failure> {
    let ConnectorEndpoint { address, leaf, problem } = services.connector(source)?;
    if let Some(problem) = problem {
        note(&format!("warning: {problem}"));
    }
    let store = setup::store(source)?;
    store.ensure_current().await?;
    ensure_leaf_is_shown(&store, leaf).await?;
    let created_at = store.now().await?;
    let expiry = token::expiry(expiry, created_at).map_err(|error| Failure::Usage(error.to_string()))?;
    let secret = Secret::from_random(&rand::random::<[u8; 32]>());
    let pending = PendingToken { cluster_name: name.clone(), description, expiry, created_at };
    store.put_join_token(&pending, &secret, &command_line_origin()).await.map_err(|error| match error {
        CreateTokenError::Store(error) => error.into(),
        taken => Failure::Conflict(taken.to_string()),
    })?;
    let token = Token {
        secret,
        expires_at: expiry,
        addresses: vec![address],
        server_name: name.to_string(),
        fingerprint: leaf,
    };
    Ok(NewToken { name, token: token.encode(), expires_at: expiry })
}

/// Fails if the connectors present another certificate: no cluster could join with a token that pins this one.
async fn ensure_leaf_is_shown(store: &Store, leaf: Fingerprint) -> Result<(), Failure> {
    match store.connector_leaf().await? {
        Some(shown) if shown != leaf => Err(Failure::Conflict(format!(
            "the connectors present the certificate {shown}, but {} contains {leaf}: no cluster could join with a token \
             created now. Restore the certificate, or restart the connectors with the new one",
            table::CLUSTER_CONNECTOR_TLS_PATH.name
        ))),
        _ => Ok(()),
    }
}
