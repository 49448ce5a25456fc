//! Sessions of people who signed in.

use fleet::CredentialId;
use fleet::session::PersonSession;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// A person's session in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The id, to end the session with. It is no credential.
    pub id: String,
    /// The person.
    pub person: SessionPerson,
    /// When the person signed in.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// When the session was last used, to the minute.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: OffsetDateTime,
    /// When the session ends if it is not used.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: OffsetDateTime,
    /// The address that the sign-in came from; null if it is unknown.
    pub address: Option<String>,
    /// How the browser described itself at the sign-in, at most 255 characters; null if it did not.
    pub user_agent: Option<String>,
    /// Whether this request belongs to the session.
    pub current: bool,
}

/// The person of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionPerson {
    /// The permanent identifier: the identity provider's subject.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The email address; may be empty.
    pub email: String,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionPage {
    /// The sessions, the newest sign-in first.
    pub items: Vec<Session>,
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// The number of sessions on all pages.
    pub total: u64,
}

impl SessionPage {
    /// A page as the API shows it. `current` is what the request presented.
    pub fn new(page: fleet::session::SessionPage, current: Option<CredentialId>) -> Self {
        let fleet::session::SessionPage { sessions, next, total } = page;
        Self {
            items: sessions.into_iter().map(|session| Session::new(session, current)).collect(),
            next_cursor: next.map(|position| position.to_string()),
            total,
        }
    }
}

impl Session {
    fn new(session: PersonSession, current: Option<CredentialId>) -> Self {
        let PersonSession { id, credential, subject, name, email, .. } = session;
        Self {
            id: id.to_string(),
            person: SessionPerson { id: subject, name, email },
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            address: session.address.map(|address| address.to_string()),
            user_agent: session.user_agent,
            current: current == Some(credential),
        }
    }
}

/// Which sessions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// Everybody's sessions instead of the caller's own. Needs the role `admin`.
    #[param(required = false, value_type = bool, default = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// The largest number of sessions to return, from 1 to 500.
    #[param(required = false, value_type = u16, minimum = 1, maximum = 500, default = 50)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next_cursor` of the previous page.
    #[param(required = false, value_type = String)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl SessionQuery {
    /// The number of sessions on a page by default.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The largest number of sessions on a page.
    pub const MAX_LIMIT: u16 = 500;

    /// The parameters of the query, without those that are unset.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let Self { all, limit, cursor } = self;
        let pairs = [
            ("all", all.map(|all| all.to_string())),
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", cursor.clone()),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
