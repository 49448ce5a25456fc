//! Who calls: by session cookie, access token, or a service account's token.

use edge::Error;
use http::HeaderMap;

use crate::Management;
use crate::principal::Principal;
use crate::service_accounts;

impl Management {
    /// Who calls. `None`: nothing was presented that says so, or nothing that is valid.
    ///
    /// A request with an `Authorization` header is judged by that alone.
    pub(crate) async fn principal(&self, headers: &HeaderMap) -> Result<Option<Principal>, Error> {
        if let Some(token) = service_accounts::presented(headers) {
            return service_accounts::principal(&self.store, token).await;
        }
        Ok(None)
    }
}
