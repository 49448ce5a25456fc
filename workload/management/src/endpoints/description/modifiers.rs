//! Parts of the document that annotations of the handlers cannot express.

use utoipa::Modify;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The ways to authenticate.
pub(super) struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A service account's token, or an access token of the identity provider"))
            .build();
        let session = ApiKeyValue::with_description("__Host-cm-session", "The session cookie of a browser");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// An empty page matches both kinds of pages, so the list of clusters is `anyOf` rather than `oneOf`.
pub(super) struct AmbiguousPages;

impl Modify for AmbiguousPages {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        if let Some(list) = schemas.get_mut("ClusterList") {
            any_of(list);
        }
        if let Some(RefOr::T(Schema::Object(envelope))) = schemas.get_mut("Envelope_ClusterList")
            && let Some(list) = envelope.properties.get_mut("metadata")
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

/// Unique ids for the operations of the tunnel, whose methods share one handler.
pub(super) struct TunnelOperationIds;

impl Modify for TunnelOperationIds {
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
