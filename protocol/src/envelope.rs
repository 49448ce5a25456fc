//! The shape of every answer of both APIs (contract section 2): seven keys, always all of them.

use serde::{Deserialize, Serialize};

/// One answer. `status_code` is set on success, `error_code` and `error` on failure; the HTTP status is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// `sync` or `error`.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `Success`, or empty.
    pub status: String,
    /// The HTTP status of a success, else 0.
    pub status_code: u16,
    /// Always empty: nothing here runs on after its answer.
    pub operation: String,
    /// The HTTP status of a failure, else 0.
    pub error_code: u16,
    /// What went wrong, for people.
    pub error: String,
    /// What was asked for.
    pub metadata: T,
}

/// Whether an answer is a result or an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A result.
    Sync,
    /// An error.
    Error,
}

impl<T> Envelope<T> {
    /// A success with HTTP status 200.
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
    /// A failure with its HTTP status and a text that people will read.
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

/// The metadata of a heartbeat's answer. Both are strings on the wire (contract 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    /// When the hub would like the next beat, in seconds.
    pub next_update_in_seconds: String,
    /// Where the hub can be reached: `<connector domain>:<port>`.
    pub cluster_manager_address: String,
}

/// The metadata of an answer that asks to come back later: 429 and 503.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryAfter {
    /// How long to wait, in seconds.
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
