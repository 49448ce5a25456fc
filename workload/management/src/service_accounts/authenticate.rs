//! A service account's token as proof of who calls.

use edge::Error;
use fleet::service_account::TOKEN_PREFIX;
use fleet::{Actor, ActorKind, ServiceToken};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use store::Store;

use crate::errors::from_store;
use crate::principal::Principal;

/// The service account's token in the request's one `Authorization` header, if it is one; valid or not.
pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(TOKEN_PREFIX)).then_some(token)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        presented(&headers).map(str::to_owned)
    }

    #[test]
    fn only_a_single_bearer_token_of_ours_is_looked_at() {
        assert_eq!(found(&["Bearer cmsa_x"]).as_deref(), Some("cmsa_x"));
        assert_eq!(found(&["bearer  cmsa_x"]).as_deref(), Some("cmsa_x"));
        for other in
            [&["Bearer eyJ"][..], &["Basic cmsa_x"], &["cmsa_x"], &["Bearer"], &[], &["Bearer cmsa_x"; 2]]
        {
            assert_eq!(found(other), None, "{other:?}");
        }
    }
}
