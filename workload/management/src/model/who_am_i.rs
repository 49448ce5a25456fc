//! Who is signed in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::principal::Principal;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// Their address as the identity provider has it; empty for service accounts.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The groups that the identity provider says they belong to.
    pub groups: Vec<String>,
    /// Always true: who is not trusted gets a 401.
    pub trusted: bool,
    /// What they may do: `admin`, `operator`, `viewer`; absent: nothing but ask this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `person` or `service-account`.
    pub kind: String,
}

impl From<Principal> for WhoAmI {
    fn from(principal: Principal) -> Self {
        let Principal { actor, email, name, groups, role } = principal;
        let role = role.map(|role| role.as_str().to_owned());
        Self { email, name, groups, trusted: true, role, kind: actor.kind.as_str().to_owned() }
    }
}
