//! The description of the API, made from the handlers. Every route of the table stands here, by test.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cluster Manager",
        description = "Sees and looks after all MicroCloud clusters of an organisation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        crate::status::show,
        crate::who_am_i::show,
        crate::description::document,
        crate::configuration::show,
        crate::changes::follow,
        crate::clusters::show,
        crate::clusters::configure,
        crate::clusters::remove,
        crate::clusters::bulk::act,
        crate::clusters::tunnel,
        crate::tokens::list,
        crate::tokens::create,
        crate::tokens::revoke,
        crate::service_accounts::list,
        crate::service_accounts::create,
        crate::service_accounts::revoke,
    ),
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

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::openapi::document;
    use crate::table::ROUTES;

    /// Pages for browsers, which no program calls.
    fn is_described(path: &str) -> bool {
        path.starts_with("/1.0")
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = serde_json::to_value(document()).unwrap();
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
}
