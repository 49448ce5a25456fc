//! `/1.0/service-account`: programs that call the API.

use api::{CreatedServiceAccount, NewServiceAccount, ServiceAccount};
use edge::{Error, Response, response};
use fleet::ServiceToken;
use fleet::service_account::{self, ServiceAccountName};
use protocol::envelope::Envelope;
use protocol::text;
use secrecy::SecretString;
use sign_in::errors::from_store;
use store::access::CreateServiceAccountError;

use crate::http::call::Call;
use crate::http::responses::{
    AuthenticationErrors, BodyErrors, CommonErrors, Failure, NotFoundErrors, Nothing,
};

/// All service accounts, sorted by name, including expired ones.
#[utoipa::path(
    get, path = "/1.0/service-account", operation_id = "list_service_accounts", tag = "service accounts",
    responses((status = 200, body = Envelope<Vec<ServiceAccount>>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let accounts = call.management.store.service_accounts().await.map_err(from_store)?;
    let accounts: Vec<_> = accounts.into_iter().map(ServiceAccount::from).collect();
    Ok(response::success(accounts))
}

/// Creates a service account. The response contains its token, which is not shown again.
#[utoipa::path(
    post, path = "/1.0/service-account", operation_id = "create_service_account", tag = "service accounts",
    request_body = NewServiceAccount,
    responses(
        (status = 200, body = Envelope<CreatedServiceAccount>),
        (status = 409, description = "A service account that has not expired has this name.", body = Failure),
        AuthenticationErrors, BodyErrors, CommonErrors
    )
)]
pub(crate) async fn create(call: Call) -> Result<Response, Error> {
    let (management, origin) = (call.management.clone(), call.origin());
    let NewServiceAccount { name, role, description, expiry } = call.json().await?;
    let name = ServiceAccountName::new(name).map_err(|error| Error::BadRequest(error.to_string()))?;
    let description = description.unwrap_or_default();
    text::check_lines(&description).map_err(|problem| Error::BadRequest(format!("description {problem}")))?;
    let now = management.store.now().await.map_err(from_store)?;
    let expiry =
        service_account::expiry(expiry, now).map_err(|error| Error::BadRequest(error.to_string()))?;
    let token = ServiceToken::from_random(&rand::random());
    let account = store::access::NewServiceAccount { name, role, description, expiry };
    management.store.put_service_account(&account, &token, &origin).await.map_err(|error| match error {
        CreateServiceAccountError::Store(error) => from_store(error),
        taken @ CreateServiceAccountError::Exists(_) => Error::Conflict(taken.to_string()),
    })?;
    Ok(response::success(CreatedServiceAccount {
        name: account.name.to_string(),
        token: SecretString::from(token.expose()),
        role: role.into(),
        expiry,
    }))
}

/// Revokes a service account. Its token is refused from now on.
#[utoipa::path(
    delete, path = "/1.0/service-account/{name}", operation_id = "revoke_service_account",
    tag = "service accounts",
    params(("name" = String, Path, description = "The name of the service account, percent-encoded")),
    responses((status = 200, body = Envelope<Nothing>), NotFoundErrors, AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn revoke(call: Call) -> Result<Response, Error> {
    let revoked = call.management.store.revoke_service_account(call.name(), &call.origin()).await;
    if revoked.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}
