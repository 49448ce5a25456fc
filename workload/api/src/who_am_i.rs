//! The caller.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::word::{ActorKind, Role};

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The email address according to the identity provider; empty for service accounts.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The groups according to the identity provider.
    pub groups: Vec<String>,
    /// The identity provider left the groups out of its token, because they are too many; absent if it did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub groups_left_out: bool,
    /// Always true: an untrusted caller gets status 401.
    pub trusted: bool,
    /// What the caller may do. If it is absent, the caller may only see who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// `person` or `service-account`.
    pub kind: ActorKind,
}
