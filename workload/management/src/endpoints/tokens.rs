//! `/1.0/remote-cluster-join-token`: join tokens.

use api::{CreatedJoinToken, JoinToken, NewJoinToken};
use edge::{Error, Response, response};
use fleet::{PendingToken, token};
use protocol::envelope::Envelope;
use protocol::{ClusterName, JoinToken as Token, Secret, text};
use sign_in::errors::from_store;
use store::enrolment::CreateTokenError;
use time::OffsetDateTime;

use crate::Management;
use crate::http::call::Call;
use crate::http::responses::{
    AuthenticationErrors, BodyErrors, CommonErrors, Failure, NotFoundErrors, Nothing,
};

/// All unused join tokens, oldest first, including expired ones.
#[utoipa::path(
    get, path = "/1.0/remote-cluster-join-token", operation_id = "list_join_tokens", tag = "tokens",
    responses((status = 200, body = Envelope<Vec<JoinToken>>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let tokens = call.management.store.join_tokens().await.map_err(from_store)?;
    Ok(response::success(tokens.into_iter().map(JoinToken::from).collect::<Vec<_>>()))
}

/// Creates a join token, with which one cluster can join once. The response contains the token, which is not shown
/// again.
#[utoipa::path(
    post, path = "/1.0/remote-cluster-join-token", operation_id = "create_join_token", tag = "tokens",
    request_body = NewJoinToken,
    responses(
        (status = 200, body = Envelope<CreatedJoinToken>),
        (status = 409, description = "A cluster or a token that has not expired has this name.", body = Failure),
        AuthenticationErrors, CommonErrors, BodyErrors
    )
)]
pub(crate) async fn create(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    let requested: NewJoinToken = call.json().await?;
    let created_at = management.store.now().await.map_err(from_store)?;
    let pending = check(requested, created_at)?;
    let token = management.new_token(&pending).await?;
    management.store.put_join_token(&pending, &token.secret, &origin).await.map_err(creation_error)?;
    Ok(response::success(CreatedJoinToken { token: token.encode() }))
}

/// Revokes a join token.
#[utoipa::path(
    delete, path = "/1.0/remote-cluster-join-token/{name}", operation_id = "revoke_join_token", tag = "tokens",
    params(("name" = String, Path, description = "The name of the cluster that the token is for")),
    responses((status = 200, body = Envelope<Nothing>), NotFoundErrors, AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn revoke(call: Call) -> Result<Response, Error> {
    let revoked = call.management.store.revoke_join_token(call.name(), &call.origin()).await;
    if revoked.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}

fn check(requested: NewJoinToken, now: OffsetDateTime) -> Result<PendingToken, Error> {
    let bad = |problem: &dyn ToString| Error::BadRequest(problem.to_string());
    let cluster_name = ClusterName::for_new_cluster(requested.cluster_name).map_err(|error| bad(&error))?;
    let description = requested.description.unwrap_or_default();
    if description.contains('\0') {
        return Err(Error::BadRequest("description cannot hold NUL".to_owned()));
    }
    text::check_lines(&description).map_err(|problem| bad(&format!("description {problem}")))?;
    let expiry = token::expiry(requested.expiry, now).map_err(|error| bad(&error))?;
    Ok(PendingToken { cluster_name, description, expiry, created_at: now })
}

fn creation_error(error: CreateTokenError) -> Error {
    match error {
        CreateTokenError::Store(error) => from_store(error),
        taken => Error::Conflict(taken.to_string()),
    }
}

impl Management {
    /// A new token, which pins the certificate that the connectors present now.
    async fn new_token(&self, pending: &PendingToken) -> Result<Token, Error> {
        let presented = self.store.connector_leaf().await.map_err(from_store)?;
        let fingerprint = presented.ok_or_else(|| {
            Error::unavailable("no connector has started yet, so there is no certificate for a token to pin")
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
        let requested = serde_json::from_str(body).unwrap();
        check(requested, NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn token_without_expiry_expires_in_a_day() {
        for expiry in ["", r#","expiry":null"#, r#","expiry":"0001-01-01T00:00:00Z""#] {
            let token = checked(&format!(r#"{{"cluster_name":"a"{expiry}}}"#)).unwrap();
            assert_eq!(token.expiry, NOW + time::Duration::DAY, "{expiry}");
        }
    }

    #[test]
    fn name_and_description_that_mislead_are_refused() {
        for (body, problem) in [
            (
                r#"{"cluster_name":"pa\u200bris"}"#,
                "a cluster name cannot contain invisible characters (U+200B)",
            ),
            (r#"{"cluster_name":"paris "}"#, "a cluster name cannot begin or end with a blank"),
            (
                r#"{"cluster_name":"a","description":"\u2066x"}"#,
                "description cannot contain invisible characters (U+2066)",
            ),
            (r#"{"cluster_name":"a","description":"x\n"}"#, "description cannot begin or end with a blank"),
            (r#"{"cluster_name":"a","description":"\u0000"}"#, "description cannot hold NUL"),
        ] {
            assert_eq!(checked(body), Err(problem.to_owned()), "{body}");
        }
    }

    #[test]
    fn past_expiry_and_missing_name_are_refused() {
        assert_eq!(
            checked(r#"{"cluster_name":"a","expiry":"2029-12-31T23:59:59Z"}"#),
            Err("the expiry is in the past".to_owned())
        );
        for body in ["{}", r#"{"cluster_name":""}"#] {
            assert_eq!(checked(body), Err("a cluster name cannot be empty".to_owned()));
        }
    }
}
