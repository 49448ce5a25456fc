//! The envelope of every answer, as OpenAPI describes it. `protocol::envelope` is what is really sent.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// An answer that went well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Answer)]
pub struct Answer<T> {
    /// `sync`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Success`.
    pub status: String,
    /// 200.
    pub status_code: u16,
    /// Always empty.
    pub operation: String,
    /// 0.
    pub error_code: u16,
    /// Empty.
    pub error: String,
    /// What was asked for.
    pub metadata: T,
}

/// The metadata of an answer that has nothing more to say: null.
#[derive(Debug, Serialize)]
pub struct Nothing;

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)).into()
    }
}

impl ToSchema for Nothing {}

/// An answer that says what went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Empty.
    pub status: String,
    /// 0.
    pub status_code: u16,
    /// Always empty.
    pub operation: String,
    /// The HTTP status.
    pub error_code: u16,
    /// What went wrong, for people.
    pub error: String,
    /// Null, or with 429 and 503 when to come back.
    pub metadata: Option<RetryAfter>,
}

/// When to come back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetryAfter {
    /// In whole seconds.
    pub retry_after_seconds: String,
}

/// What any route may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; what is sent is an edge::Error")]
pub(crate) enum Anywhere {
    /// The request is malformed, or holds what cannot be.
    #[response(status = 400)]
    BadRequest(#[to_schema] Problem),
    /// A browser was sent here by another site, or the caller may not do this.
    #[response(status = 403)]
    Forbidden(#[to_schema] Problem),
    /// Too much was asked too fast. `Retry-After` says when to come back.
    #[response(status = 429)]
    TooManyRequests(#[to_schema] Problem),
    /// The database is away. `Retry-After` says when to come back.
    #[response(status = 503)]
    Unavailable(#[to_schema] Problem),
}

/// What a route may answer besides that wants to know who calls.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; what is sent is an edge::Error")]
pub(crate) enum SignedIn {
    /// Nobody is signed in.
    #[response(status = 401)]
    Unauthorized(#[to_schema] Problem),
}

/// What a route may answer besides that takes a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; what is sent is an edge::Error")]
pub(crate) enum WithBody {
    /// The body did not come in time.
    #[response(status = 408)]
    RequestTimeout(#[to_schema] Problem),
    /// The body is over 64 KiB.
    #[response(status = 413)]
    TooLarge(#[to_schema] Problem),
    /// The body's content type is not `application/json`.
    #[response(status = 415)]
    UnsupportedMediaType(#[to_schema] Problem),
}

/// What a route may answer besides that is about one thing.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; what is sent is an edge::Error")]
pub(crate) enum AboutOne {
    /// There is no such thing.
    #[response(status = 404)]
    NotFound(#[to_schema] Problem),
}
