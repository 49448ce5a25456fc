//! The API's own description: the OpenAPI document, and a page to read it at.

use std::sync::LazyLock;

use edge::{Error, Response};
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use utoipa::OpenApi;
use warp::Reply as _;

use crate::http::call::Call;
use crate::http::responses::CommonErrors;

mod modifiers;
mod page;

use modifiers::{EmptyPages, TunnelNames, WaysIn};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cluster Manager",
        description = "Sees and looks after all MicroCloud clusters of an organisation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        crate::endpoints::status::show,
        crate::endpoints::configuration::show,
        crate::endpoints::metrics_sinks::list,
        document,
        crate::endpoints::who_am_i::show,
        crate::endpoints::sign_in::show,
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
    modifiers(&WaysIn, &EmptyPages, &TunnelNames),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "server", description = "The hub itself"),
        (name = "sign-in", description = "Who calls"),
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

/// The document, as it is served. It is the same for everybody.
#[utoipa::path(
    get, path = "/1.0/openapi.json", operation_id = "openapi_document", tag = "server", security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document", body = serde_json::Value), CommonErrors)
)]
pub(crate) async fn document(_call: Call) -> Result<Response, Error> {
    static DOCUMENT: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::to_value(openapi()).unwrap_or_default());
    Ok(warp::reply::json(&*DOCUMENT).into_response())
}

/// A page to read the description at.
pub(crate) async fn read(_call: Call) -> Result<Response, Error> {
    static PAGE: LazyLock<String> = LazyLock::new(|| page::render(&openapi()));
    let mut response = warp::reply::html(PAGE.as_str()).into_response();
    // One style sheet in the page itself, nothing else.
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::ROUTES;

    /// Pages for browsers, which no program calls.
    fn is_described(path: &str) -> bool {
        path.starts_with("/1.0")
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = serde_json::to_value(openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(|method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let routes: BTreeSet<(String, String)> = ROUTES
            .iter()
            .filter(|route| is_described(route.path))
            .map(|route| (route.method.to_string(), route.path.replace("{*", "{")))
            .collect();
        assert_eq!(described, routes);
    }
    /// Whoever makes a client of the description names its functions after them.
    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(openapi()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let names: Vec<&str> = operations.map(|it| it["operationId"].as_str().unwrap()).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn every_link_leads_somewhere_and_every_route_is_there() {
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
