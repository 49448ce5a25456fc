//! Who calls, once that is proven.

use fleet::{Actor, Role};

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who, for the audit trail.
    pub actor: Actor,
    /// Their address as the identity provider has it; empty for programs.
    pub email: String,
    /// Their name as people write it.
    pub name: String,
    /// The groups that the identity provider says they belong to.
    pub groups: Vec<String>,
    /// What they may do; none: nothing but see who they are.
    pub role: Option<Role>,
}
