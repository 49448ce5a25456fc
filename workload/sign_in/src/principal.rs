//! An authenticated caller.

use fleet::{Actor, Role};

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
    /// What the caller may do. Without a role, only see who they are.
    pub role: Option<Role>,
}
