//! `/1.0/remote-cluster-join-token`: join tokens made, listed and taken back.

use edge::{Error, Response, response};
use fleet::{PendingToken, token};
use protocol::{ClusterName, JoinToken as Token, Secret};
use store::enrolment::CreateTokenError;
use time::OffsetDateTime;

use crate::Management;
use crate::call::Call;
use crate::errors::from_store;
use crate::model::{
    AboutOne, Answer, Anywhere, CreatedJoinToken, JoinToken, NewJoinToken, Nothing, Problem, SignedIn,
    WithBody,
};

/// All tokens that were not used yet, oldest first, expired ones included.
#[utoipa::path(
    get, path = "/1.0/remote-cluster-join-token", operation_id = "list_join_tokens", tag = "tokens",
    responses((status = 200, body = Answer<Vec<JoinToken>>), SignedIn, Anywhere)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let tokens = call.management.store.join_tokens().await.map_err(from_store)?;
    Ok(response::success(tokens.into_iter().map(JoinToken::from).collect::<Vec<_>>()))
}

/// Makes a token with which one cluster can join, once. It is shown now and never again.
#[utoipa::path(
    post, path = "/1.0/remote-cluster-join-token", operation_id = "create_join_token", tag = "tokens",
    request_body = NewJoinToken,
    responses(
        (status = 200, body = Answer<CreatedJoinToken>),
        (status = 409, description = "A cluster or a token that still works has that name", body = Problem),
        SignedIn, Anywhere, WithBody
    )
)]
pub(crate) async fn create(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    let wanted: NewJoinToken = call.json().await?;
    let created_at = management.store.now().await.map_err(from_store)?;
    let pending = check(wanted, created_at)?;
    let token = management.sign(&pending).await?;
    management.store.put_join_token(&pending, &token.secret, &origin).await.map_err(refusal)?;
    Ok(response::success(CreatedJoinToken { token: token.encode() }))
}

/// Takes a token back.
#[utoipa::path(
    delete, path = "/1.0/remote-cluster-join-token/{name}", operation_id = "revoke_join_token", tag = "tokens",
    params(("name" = String, Path, description = "The name of the cluster that it was made for")),
    responses((status = 200, body = Answer<Nothing>), AboutOne, SignedIn, Anywhere)
)]
pub(crate) async fn revoke(call: Call) -> Result<Response, Error> {
    let revoked = call.management.store.revoke_join_token(call.name(), &call.origin()).await;
    if revoked.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}

fn check(wanted: NewJoinToken, now: OffsetDateTime) -> Result<PendingToken, Error> {
    let bad = |problem: &dyn ToString| Error::BadRequest(problem.to_string());
    let cluster_name = ClusterName::new(wanted.cluster_name).map_err(|error| bad(&error))?;
    let description = wanted.description.unwrap_or_default();
    if description.contains('\0') {
        return Err(Error::BadRequest("description cannot hold NUL".to_owned()));
    }
    let expiry = token::expiry(wanted.expiry, now).map_err(|error| bad(&error))?;
    Ok(PendingToken { cluster_name, description, expiry, created_at: now })
}

fn refusal(error: CreateTokenError) -> Error {
    match error {
        CreateTokenError::Store(error) => from_store(error),
        taken => Error::Conflict(taken.to_string()),
    }
}

impl Management {
    /// The whole token, with the leaf that the connectors show now.
    async fn sign(&self, pending: &PendingToken) -> Result<Token, Error> {
        let shown = self.store.connector_leaf().await.map_err(from_store)?;
        let fingerprint = shown.ok_or_else(|| {
            Error::unavailable("no connector has started yet, so that a token could not say whom to trust")
        })?;
        Ok(Token {
            secret: Secret::from_random(&rand::random::<[u8; 32]>()),
            expires_at: pending.expiry,
            addresses: vec![self.options.connector.clone()],
            server_name: pending.cluster_name.to_string(),
            fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn checked(body: &str) -> Result<PendingToken, String> {
        let wanted = serde_json::from_str(body).unwrap();
        check(wanted, NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn no_expiry_in_any_spelling_means_a_day() {
        for expiry in ["", r#","expiry":null"#, r#","expiry":"0001-01-01T00:00:00Z""#] {
            let token = checked(&format!(r#"{{"cluster_name":"a"{expiry}}}"#)).unwrap();
            assert_eq!(token.expiry, NOW + time::Duration::DAY, "{expiry}");
        }
    }

    #[test]
    fn a_past_expiry_and_a_missing_name_are_refused() {
        assert_eq!(
            checked(r#"{"cluster_name":"a","expiry":"2029-12-31T23:59:59Z"}"#),
            Err("the expiry is in the past".to_owned())
        );
        for body in ["{}", r#"{"cluster_name":""}"#] {
            assert_eq!(checked(body), Err("a cluster name cannot be empty".to_owned()));
        }
    }
}
