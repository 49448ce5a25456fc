//! A hub by its database: for whoever runs it, and before anybody can sign in.

use fleet::{ClusterChange, PendingToken, ServiceToken, service_account, token};
use management::model::{Cluster, CreatedServiceAccount, EventPage, EventQuery, JoinToken, ServiceAccount};
use protocol::{ClusterName, JoinToken as Token, Secret};
use secrecy::SecretString;
use settings::{Source, typed};
use store::Store;
use store::service_accounts::{CreateServiceAccountError, NewServiceAccount};
use store::tokens::CreateTokenError;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use super::{Fleet, MadeToken, Seen, WantedAccount};
use crate::failure::Failure;
use crate::output::note;
use crate::setup;

/// The database that the settings name. Connects when it is used.
pub(crate) struct Local {
    source: Source,
    store: OnceCell<Store>,
}

impl Local {
    pub(super) fn new(source: Source) -> Self {
        Self { source, store: OnceCell::new() }
    }

    /// The store, once it is known to have the schema that we need.
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
            silence: clock.is_outage().then(|| clock.now - clock.accepting_until),
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
        Ok(self.store().await?.configure_cluster(name, change, &setup::command_line()).await?)
    }

    pub(super) async fn remove_cluster(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.remove_cluster(name, &setup::command_line()).await?)
    }

    pub(super) async fn create_join_token(
        &self,
        name: ClusterName,
        description: String,
        expiry: Option<OffsetDateTime>,
    ) -> Result<MadeToken, Failure> {
        create_join_token(&self.source, name, description, expiry).await
    }

    pub(super) async fn join_tokens(&self) -> Result<Seen<Vec<JoinToken>>, Failure> {
        let store = self.store().await?;
        let (now, tokens) = (store.now().await?, store.join_tokens().await?);
        Ok(Seen { value: tokens.into_iter().map(JoinToken::from).collect(), now })
    }

    pub(super) async fn revoke_join_token(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.revoke_join_token(name, &setup::command_line()).await?)
    }

    pub(super) async fn create_service_account(
        &self,
        wanted: WantedAccount,
    ) -> Result<CreatedServiceAccount, Failure> {
        let store = self.store().await?;
        let WantedAccount { name, role, description, expiry } = wanted;
        let expiry = service_account::expiry(expiry, store.now().await?)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let token = ServiceToken::from_random(&rand::random());
        let account = NewServiceAccount { name, role, description, expiry };
        store.put_service_account(&account, &token, &setup::command_line()).await.map_err(
            |error| match error {
                CreateServiceAccountError::Store(error) => error.into(),
                taken @ CreateServiceAccountError::Exists(_) => Failure::Conflict(taken.to_string()),
            },
        )?;
        let token = SecretString::from(token.expose());
        Ok(CreatedServiceAccount { name: account.name.to_string(), token, role, expiry })
    }

    pub(super) async fn service_accounts(&self) -> Result<Seen<Vec<ServiceAccount>>, Failure> {
        let store = self.store().await?;
        let (now, accounts) = (store.now().await?, store.service_accounts().await?);
        Ok(Seen { value: accounts.into_iter().map(ServiceAccount::from).collect(), now })
    }

    pub(super) async fn revoke_service_account(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.store().await?.revoke_service_account(name, &setup::command_line()).await?)
    }
}

/// Makes a join token with the connector's certificate and address as the settings have them.
pub(crate) async fn create_join_token(
    source: &Source,
    name: ClusterName,
    description: String,
    expiry: Option<OffsetDateTime>,
) -> Result<MadeToken, Failure> {
    let connector = typed::Connector::from(source)?;
    let address = setup::connector_address(&connector)?;
    let identity = setup::connector_identity(&connector)?;
    if let Some(problem) = setup::connector_certificate_problem(&identity, &address) {
        note(&format!("warning: {problem}"));
    }
    let store = setup::store(source)?;
    store.ensure_current().await?;
    setup::ensure_leaf_is_shown(&store, identity.leaf_fingerprint()).await?;
    let created_at = store.now().await?;
    let expiry = token::expiry(expiry, created_at).map_err(|error| Failure::Usage(error.to_string()))?;
    let secret = Secret::from_random(&rand::random::<[u8; 32]>());
    let pending = PendingToken { cluster_name: name.clone(), description, expiry, created_at };
    store.put_join_token(&pending, &secret, &setup::command_line()).await.map_err(|error| match error {
        CreateTokenError::Store(error) => error.into(),
        taken => Failure::Conflict(taken.to_string()),
    })?;
    let token = Token {
        secret,
        expires_at: expiry,
        addresses: vec![address],
        server_name: name.to_string(),
        fingerprint: identity.leaf_fingerprint(),
    };
    Ok(MadeToken { name, token: token.encode(), expires_at: expiry })
}
