//! Tokens of service accounts.

use edge::Error;
use fleet::{Actor, ActorKind, CredentialId, ServiceToken};

use crate::errors::from_store;
use crate::principal::Principal;
use crate::sign_in::SignIn;

impl SignIn {
    /// The service account that this token belongs to; `None` if it is unknown, expired or revoked.
    pub(crate) async fn service_account(&self, token: &str) -> Result<Option<Principal>, Error> {
        let Ok(token) = ServiceToken::parse(token) else { return Ok(None) };
        let credential = Some(CredentialId(token.digest()));
        let account = self.store.service_account_by_token(&token).await.map_err(from_store)?;
        Ok(account.map(|account| Principal {
            actor: Actor {
                kind: ActorKind::ServiceAccount,
                id: account.name.clone(),
                name: account.name.clone(),
            },
            email: String::new(),
            name: account.name,
            groups: Vec::new(),
            groups_left_out: false,
            role: Some(account.role),
            credential,
            valid_until: account.expiry,
        }))
    }
}
