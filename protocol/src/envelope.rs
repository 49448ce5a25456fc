//! The JSON envelope of every response of both APIs (contract 2).

use serde::{Deserialize, Serialize};

/// The envelope of one response. All seven keys are always present (contract 2).
///
/// The HTTP status equals `status_code` on success and `error_code` on failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Envelope<T> {
    /// `sync` for a result, `error` for an error.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub kind: Kind,
    /// `Success`, or empty on failure.
    pub status: String,
    /// The HTTP status of a success, 0 on failure.
    pub status_code: u16,
    /// Always empty: there are no background operations.
    pub operation: String,
    /// The HTTP status of a failure, 0 on success.
    pub error_code: u16,
    // Administrators of a cluster read it (contract 1.1).
    /// The human-readable error message; empty on success.
    pub error: String,
    /// The result; `null` on failure.
    pub metadata: T,
}

/// The kind of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A result.
    Sync,
    /// An error.
    Error,
}

impl<T> Envelope<T> {
    /// Wraps a result with HTTP status 200.
    pub fn success(metadata: T) -> Self {
        Self {
            kind: Kind::Sync,
            status: "Success".to_owned(),
            status_code: 200,
            operation: String::new(),
            error_code: 0,
            error: String::new(),
            metadata,
        }
    }
}

impl<T> Envelope<Option<T>> {
    /// Wraps an error message with its HTTP status.
    pub fn error(code: u16, error: impl Into<String>) -> Self {
        Self {
            kind: Kind::Error,
            status: String::new(),
            status_code: 0,
            operation: String::new(),
            error_code: code,
            error: error.into(),
            metadata: None,
        }
    }
}

/// The metadata of the response to a heartbeat. Both fields are strings on the wire (contract 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatResponse {
    /// The time until the next heartbeat that the hub asks for, in whole seconds. MicroCloud ignores it.
    pub next_update_in_seconds: String,
    /// The address of the connector, `<connector domain>:<port>`.
    pub cluster_manager_address: String,
}

/// The metadata of a 429 or 503 response, which asks the client to retry later (contract 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryAfter {
    /// The time to wait before the next attempt, in whole seconds; equals the header `Retry-After`.
    pub retry_after_seconds: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_has_all_seven_keys() {
        insta::assert_snapshot!(
            serde_json::to_string(&Envelope::success([1])).unwrap(),
            @r#"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":[1]}"#
        );
    }

    #[test]
    fn error_has_all_seven_keys() {
        insta::assert_snapshot!(
            serde_json::to_string(&Envelope::<Option<()>>::error(404, "Not Found")).unwrap(),
            @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"Not Found","metadata":null}"#
        );
    }
}
