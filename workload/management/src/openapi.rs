//! The description of the API, made from the handlers. Every route of the table stands here, by test.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cluster Manager",
        description = "Sees and looks after all MicroCloud clusters of an organisation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        crate::status::show,
        crate::configuration::show,
        crate::metrics_sinks::list,
        crate::description::document,
        crate::who_am_i::show,
        crate::sign_in::about::show,
        crate::fleet_totals::show,
        crate::changes::follow,
        crate::clusters_list::list,
        crate::clusters::show,
        crate::clusters::history::show,
        crate::clusters::configure,
        crate::clusters::remove,
        crate::clusters::bulk::act,
        crate::clusters::tunnel,
        crate::tokens::list,
        crate::tokens::create,
        crate::tokens::revoke,
        crate::events::list,
        crate::service_accounts::list,
        crate::service_accounts::create,
        crate::service_accounts::revoke,
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

/// How a caller proves who they are.
struct WaysIn;

impl Modify for WaysIn {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A service account's token, or an access token of the identity provider"))
            .build();
        let session =
            ApiKeyValue::with_description("__Host-cm-session", "The cookie of a browser that signed in");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// An empty page is a page of clusters and a page of summaries alike.
struct EmptyPages;

impl Modify for EmptyPages {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        if let Some(list) = schemas.get_mut("ClusterList") {
            any_of(list);
        }
        if let Some(RefOr::T(Schema::Object(answer))) = schemas.get_mut("Answer_ClusterList")
            && let Some(list) = answer.properties.get_mut("metadata")
        {
            any_of(list);
        }
    }
}

fn any_of(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(one)) = schema {
        let (items, description) = (std::mem::take(&mut one.items), one.description.take());
        let any = AnyOfBuilder::new().description(description);
        let any = items.into_iter().fold(any, AnyOfBuilder::item);
        *schema = RefOr::T(Schema::AnyOf(any.build()));
    }
}

/// One handler answers all methods of a tunnel, and an operation's name must be its own.
struct TunnelNames;

impl Modify for TunnelNames {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let Some(tunnel) = document.paths.paths.get_mut("/1.0/remote-cluster/{name}/tunnel/{rest}") else {
            return;
        };
        let operations = [
            (&mut tunnel.get, "tunnel_get"),
            (&mut tunnel.post, "tunnel_post"),
            (&mut tunnel.put, "tunnel_put"),
            (&mut tunnel.patch, "tunnel_patch"),
            (&mut tunnel.delete, "tunnel_delete"),
        ];
        for (operation, name) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(name.to_owned());
            }
        }
    }
}

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
    /// Whoever makes a client of the description names its functions after them.
    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let names: Vec<&str> = operations.map(|it| it["operationId"].as_str().unwrap()).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}
