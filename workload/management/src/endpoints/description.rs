//! The description of the API: the OpenAPI document, and a page that shows it. A test compares it with the routes.

use std::sync::LazyLock;

use api::{ClusterChanged, ClustersReported};
use edge::{Error, Response};
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use utoipa::OpenApi;

use crate::http::call::Call;
use crate::http::delivery::Constant;
use crate::http::responses::CommonErrors;

mod modifiers;
mod page;

use modifiers::{AmbiguousPages, SecuritySchemes, TunnelOperationIds};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cluster Manager",
        description = "Monitors and manages all MicroCloud and LXD clusters of an organisation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        crate::endpoints::status::show,
        crate::endpoints::configuration::show,
        crate::endpoints::metrics_sinks::list,
        document,
        crate::endpoints::who_am_i::show,
        crate::endpoints::sign_in::show,
        crate::endpoints::sessions::list,
        crate::endpoints::sessions::end,
        crate::endpoints::fleet_totals::show,
        crate::endpoints::changes::follow,
        crate::endpoints::clusters::list::list,
        crate::endpoints::clusters::show,
        crate::endpoints::clusters::history::show,
        crate::endpoints::clusters::configure,
        crate::endpoints::clusters::remove,
        crate::endpoints::clusters::bulk::act,
        crate::endpoints::clusters::tunnel,
        crate::endpoints::tokens::list,
        crate::endpoints::tokens::create,
        crate::endpoints::tokens::revoke,
        crate::endpoints::events::list,
        crate::endpoints::service_accounts::list,
        crate::endpoints::service_accounts::create,
        crate::endpoints::service_accounts::revoke,
    ),
    components(schemas(ClusterChanged, ClustersReported)),
    modifiers(&SecuritySchemes, &AmbiguousPages, &TunnelOperationIds),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "server", description = "The hub itself"),
        (name = "sign-in", description = "Sign-in, the caller, and sessions"),
        (name = "clusters", description = "Enrolled clusters"),
        (name = "tokens", description = "Join tokens"),
        (name = "events", description = "The audit trail"),
        (name = "service accounts", description = "Programs that call the API"),
    )
)]
struct Document;

/// The OpenAPI 3.1 document of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This description. It is the same for every caller.
#[utoipa::path(
    get, path = "/1.0/openapi.json", operation_id = "openapi_document", tag = "server", security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document", body = serde_json::Value), CommonErrors)
)]
pub(crate) async fn document(call: Call) -> Result<Response, Error> {
    static DOCUMENT: LazyLock<Constant> = LazyLock::new(|| {
        Constant::new("application/json", serde_json::to_vec(&openapi()).unwrap_or_default())
    });
    Ok(DOCUMENT.respond(&call.headers))
}

/// The description as a page.
pub(crate) async fn read(call: Call) -> Result<Response, Error> {
    static PAGE: LazyLock<Constant> =
        LazyLock::new(|| Constant::new("text/html; charset=utf-8", page::render(&openapi())));
    let mut response = PAGE.respond(&call.headers);
    // The page has one inline style sheet and nothing else.
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_every_route_and_no_dead_link() {
        let document = openapi();
        let page = page::render(&document);
        for link in page.split("href=\"#").skip(1) {
            let target = link.split('"').next().unwrap_or_default();
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
        for path in document.paths.paths.keys() {
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        }
    }
}
