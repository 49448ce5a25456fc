//! The responses that OpenAPI describes besides each endpoint's own. What is sent is an [`edge::Error`] or the envelope
//! of [`protocol::envelope`].

use std::borrow::Cow;

use protocol::envelope::{Envelope, RetryAfter};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The metadata of a response without a result: null.
pub(crate) struct Nothing;

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)).into()
    }
}

impl ToSchema for Nothing {}

/// The envelope of an error. Its metadata is null, or contains when to retry.
pub(crate) struct Failure;

impl PartialSchema for Failure {
    fn schema() -> RefOr<Schema> {
        let mut schema = Envelope::<Option<RetryAfter>>::schema();
        if let RefOr::T(Schema::Object(envelope)) = &mut schema {
            envelope.description =
                Some("An error. With status 429 and 503 the metadata contains when to retry.".to_owned());
            // The derived schema refers to `Option`, which is no schema of its own.
            envelope.properties.insert("metadata".to_owned(), retry_after_or_null());
        }
        schema
    }
}

impl ToSchema for Failure {
    fn name() -> Cow<'static, str> {
        "Error".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((RetryAfter::name().into(), RetryAfter::schema()));
    }
}

fn retry_after_or_null() -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(Nothing::schema())
        .item(Ref::from_schema_name(RetryAfter::name()))
        .description(Some("Null, or with status 429 and 503 when to retry."))
        .into()
}

/// The errors that every endpoint can return.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes edge::Error")]
pub(crate) enum CommonErrors {
    /// The request is malformed or contains an invalid value.
    #[response(status = 400)]
    BadRequest(#[to_schema] Failure),
    /// The caller may not do this, or another website made a browser send the request.
    #[response(status = 403)]
    Forbidden(#[to_schema] Failure),
    /// The caller sends too many requests. `Retry-After` says when to retry.
    #[response(status = 429)]
    TooManyRequests(#[to_schema] Failure),
    /// The database is not available. `Retry-After` says when to retry.
    #[response(status = 503)]
    Unavailable(#[to_schema] Failure),
}

/// The errors of endpoints that need to know the caller.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes edge::Error")]
pub(crate) enum AuthenticationErrors {
    /// The request has no valid credentials.
    #[response(status = 401)]
    Unauthorized(#[to_schema] Failure),
}

/// The errors of endpoints that take a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes edge::Error")]
pub(crate) enum BodyErrors {
    /// The body did not arrive in time.
    #[response(status = 408)]
    RequestTimeout(#[to_schema] Failure),
    /// The body is larger than 64 KiB.
    #[response(status = 413)]
    TooLarge(#[to_schema] Failure),
    /// The content type of the body is not `application/json`.
    #[response(status = 415)]
    UnsupportedMediaType(#[to_schema] Failure),
}

/// The errors of endpoints whose path names something.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes edge::Error")]
pub(crate) enum NotFoundErrors {
    /// There is nothing with this name.
    #[response(status = 404)]
    NotFound(#[to_schema] Failure),
}
