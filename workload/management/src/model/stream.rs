//! One event of a stream of changes, as OpenAPI describes it.

use serde::Serialize;
use utoipa::ToSchema;

/// One server-sent event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamEvent {
    /// `connected`, `change`, `reported` or `resync`.
    pub event: String,
    /// JSON: for `change` `{"kind","uid"}`, where kind is `joined`, `removed`, `configured` or `judged`; for `reported`
    /// `{"uids":[…]}`, or `{"uids":null}` where they are too many to name; else `{}`.
    pub data: String,
}
