//! Who may do what: three roles, each of which includes the one below.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a person or a program may do. Ordered: a greater role includes all lesser ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything, change nothing.
    Viewer,
    /// Enrol, configure and remove clusters.
    Operator,
    /// Everything, including service accounts.
    Admin,
}

/// The role that each group of the identity provider gives. The highest role of a person's groups counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMapping(BTreeMap<String, Role>);

/// Why a text is not a mapping such as `admins=admin,helpdesk=viewer`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role mapping is GROUP=ROLE, separated by commas; a role is admin, operator or viewer")]
pub struct InvalidRoleMapping;

// === impl Role ===

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The role as a word, as in the API, the settings and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role from its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl RoleMapping ===

impl RoleMapping {
    /// Returns the highest role that these groups give.
    pub fn role_of<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Option<Role> {
        groups.into_iter().filter_map(|group| self.0.get(group).copied()).max()
    }
}

impl Default for RoleMapping {
    /// Members of `admins` may do everything (contract 2).
    fn default() -> Self {
        Self(BTreeMap::from([("admins".to_owned(), Role::Admin)]))
    }
}

impl FromStr for RoleMapping {
    type Err = InvalidRoleMapping;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(|entry| {
            // A group's name may contain an equals sign, as in directories.
            let (group, role) = entry.trim().rsplit_once('=').ok_or(InvalidRoleMapping)?;
            let role = Role::from_word(role.trim()).ok_or(InvalidRoleMapping)?;
            let group = group.trim();
            if group.is_empty() { Err(InvalidRoleMapping) } else { Ok((group.to_owned(), role)) }
        });
        entries.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_role_of_all_groups_counts() {
        let mapping: RoleMapping =
            "helpdesk=viewer, noc=operator,cn=hub,ou=it=admin".parse().unwrap_or_default();
        assert_eq!(mapping, RoleMapping::default(), "a name cannot contain a comma, which separates entries");
        let mapping: RoleMapping = "helpdesk=viewer, noc=operator, cn=hub=admin".parse().unwrap();
        assert_eq!(mapping.role_of(["helpdesk", "noc", "else"]), Some(Role::Operator));
        assert_eq!(mapping.role_of(["cn=hub"]), Some(Role::Admin));
        assert_eq!(mapping.role_of(["else", ""]), None);
    }

    #[test]
    fn group_admins_is_admin_by_default() {
        assert_eq!(RoleMapping::default().role_of(["admins"]), Some(Role::Admin));
        assert_eq!(RoleMapping::default().role_of(["Admins", "users"]), None);
    }

    #[test]
    fn invalid_mapping_is_refused() {
        for text in ["", "admins", "admins=", "=admin", "admins=root", "a=admin,,b=viewer"] {
            assert_eq!(text.parse::<RoleMapping>(), Err(InvalidRoleMapping), "{text:?}");
        }
    }
}
