//! Who calls: by session cookie, access token, or a service account's token.

use edge::Error;
use http::HeaderMap;

use crate::Management;
use crate::principal::Principal;

impl Management {
    /// Who calls. `None`: nothing was presented that says so, or nothing that is valid.
    pub(crate) async fn principal(&self, _headers: &HeaderMap) -> Result<Option<Principal>, Error> {
        Ok(None)
    }
}
