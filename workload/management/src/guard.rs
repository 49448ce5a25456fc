//! What is refused whoever calls, and what every answer says to browsers.

use edge::Error;
use http::{HeaderMap, Method};

/// Refuses what another site makes a browser send (contract section 2): all but opening a page.
pub(crate) fn check_fetch_site(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Error> {
    let Some(site) = headers.get("sec-fetch-site") else { return Ok(()) };
    let is_foreign = !matches!(site.as_bytes(), b"same-origin" | b"none");
    let opens_page =
        method == Method::GET && (matches!(path, "/" | "/ui" | "/oidc/callback") || path.starts_with("/ui/"));
    if is_foreign && !opens_page { Err(Error::Forbidden) } else { Ok(()) }
}
