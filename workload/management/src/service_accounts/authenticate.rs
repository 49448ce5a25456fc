//! A service account's token as proof of who calls.

use edge::Error;
use fleet::{Actor, ActorKind, ServiceToken};
use store::Store;

use crate::errors::from_store;
use crate::principal::Principal;

/// Whose token this is. `None`: nobody's, or one that has expired or was revoked.
pub(crate) async fn principal(store: &Store, token: &str) -> Result<Option<Principal>, Error> {
    let Ok(token) = ServiceToken::parse(token) else { return Ok(None) };
    let account = store.service_account_by_token(&token).await.map_err(from_store)?;
    Ok(account.map(|account| Principal {
        actor: Actor {
            kind: ActorKind::ServiceAccount,
            id: account.name.clone(),
            name: account.name.clone(),
        },
        email: String::new(),
        name: account.name,
        groups: Vec::new(),
        role: Some(account.role),
    }))
}
