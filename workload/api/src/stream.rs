//! Events of the stream of changes.

use serde::Serialize;
use utoipa::ToSchema;

use crate::word::{ChangeKind, StreamEventKind};

/// A server-sent event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamEvent {
    /// The kind of event.
    pub event: StreamEventKind,
    /// The details as JSON. For `change` see `ClusterChanged`, for `reported` see `ClustersReported`; otherwise `{}`.
    pub data: String,
}

/// The data of a `change` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClusterChanged {
    /// What happened.
    pub kind: ChangeKind,
    /// The cluster's uid.
    pub uid: String,
}

/// The data of a `reported` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClustersReported {
    /// The uids of the clusters that sent a heartbeat in the last seconds; null if there are too many to list.
    pub uids: Option<Vec<String>>,
}
