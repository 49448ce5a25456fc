//! An authenticated caller.

use fleet::{Actor, CredentialId, Role};
use time::OffsetDateTime;

/// A person or a program that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The caller as the audit trail names it.
    pub actor: Actor,
    /// The email address according to the identity provider; empty for programs.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The groups according to the identity provider.
    pub groups: Vec<String>,
    /// The identity provider left the groups out of its token, because they are too many.
    pub groups_left_out: bool,
    /// What the caller may do. Without a role, only see who they are.
    pub role: Option<Role>,
    /// The session or the service account; `None` for an access token.
    pub credential: Option<CredentialId>,
    /// Until when the role counts. A response that lasts longer ends then.
    pub valid_until: OffsetDateTime,
}
