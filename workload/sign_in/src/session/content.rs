//! The content of a session.

use std::time::Duration;

use edge::Error;
use fleet::CredentialId;
use serde::{Deserialize, Serialize};
use store::access::{Person, Session, SessionId, SessionUpdate};
use store::database::Place;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::claims::Verified;
use crate::cookie::SessionCookie;
use crate::provider::Away;
use crate::sign_in::Caller;
use crate::tokens::Granted;

/// How long a session continues after its tokens expired while the provider does not respond.
const OUTAGE_GRACE_SECONDS: i64 = 600;
/// How long to wait before the next renewal of a session after one that failed for a reason outside the session.
const RENEWAL_RETRY_SECONDS: i64 = 5;
/// The lifetime of tokens if the provider does not state it.
const DEFAULT_TOKEN_LIFETIME_SECONDS: u64 = 3600;

/// The content of a session, sealed under a key that only the cookie contains. The access token is not kept, since nothing
/// needs it.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    /// The issuer. When the setting changes, sessions of the former issuer end.
    pub(super) issuer: String,
    /// The ID token, for the sign-out at the provider.
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) groups: Vec<String>,
    /// The provider left the groups out of the token.
    #[serde(default)]
    pub(super) groups_left_out: bool,
    /// When the provider last stated the groups, in seconds since 1970.
    // Stored sessions have the former name.
    #[serde(rename = "groups_said_at", default = "now")]
    pub(super) groups_stated_at: i64,
    /// When the session has to be renewed, in seconds since 1970.
    pub(super) good_until: i64,
    /// The earliest time of the next renewal after a failed one, in seconds since 1970.
    #[serde(default)]
    pub(super) retry_at: i64,
}

/// How old the groups, and with them the role, may be (`SESSION_ROLE_MAX_AGE`), in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoleAge(i64);

// === impl RoleAge ===

impl RoleAge {
    pub(super) fn new(max_age: Duration) -> Self {
        Self(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX / 4))
    }

    /// How long before the end a renewal is due, so that a session survives a short outage of the provider.
    fn grace(self) -> i64 {
        OUTAGE_GRACE_SECONDS.min(self.0 / 2)
    }

    /// When groups that were stated then must be confirmed.
    pub(super) fn renewal_at(self, stated_at: i64) -> i64 {
        stated_at + self.0 - self.grace()
    }

    /// When groups that were stated then stop counting.
    pub(super) fn ends_at(self, stated_at: i64) -> i64 {
        stated_at + self.0
    }
}

// === impl Content ===

impl Content {
    pub(super) fn seal(&self, cookie: &SessionCookie, person: &Person) -> Result<Vec<u8>, Error> {
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(Error::internal)?);
        let row = row(cookie.id(), &person.subject);
        cookie.crypter()?.seal(place(&row), &text).map_err(Error::internal)
    }

    pub(super) fn caller(self, session: Session, age: RoleAge) -> Caller {
        Caller {
            person: session.person,
            groups: self.groups,
            groups_left_out: self.groups_left_out,
            credential: Some(CredentialId(session.id.0)),
            valid_until: age.ends_at(self.groups_stated_at),
        }
    }

    /// Whether the tokens have to be renewed. A session that an earlier program renewed may have a later date.
    pub(super) fn is_due(&self, age: RoleAge) -> bool {
        now() >= self.good_until.min(age.ends_at(self.groups_stated_at))
    }

    /// Whether the groups are too old to say what the person may do.
    pub(super) fn is_too_old(&self, age: RoleAge) -> bool {
        now() >= age.ends_at(self.groups_stated_at)
    }

    /// The caller while the provider does not respond. After the grace period it is an error (503), not a reason to sign in
    /// again.
    pub(super) fn caller_unless_too_old(
        self,
        session: Session,
        age: RoleAge,
        away: Away,
    ) -> Result<Caller, Error> {
        if now() < self.good_until + OUTAGE_GRACE_SECONDS && !self.is_too_old(age) {
            return Ok(self.caller(session, age));
        }
        Err(Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) })
    }

    /// The content and the person after a renewal, or why the session ends.
    pub(super) fn renewed(
        self,
        granted: Granted,
        person: Person,
        age: RoleAge,
    ) -> Result<(Self, Person), &'static str> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let expires_at = verified.as_ref().map(|verified| verified.expires_at);
        let former = Self {
            id_token: id_token.or(self.id_token),
            refresh_token: refresh_token.or(self.refresh_token),
            retry_at: 0,
            ..self
        };
        match verified {
            Some(verified) if verified.profile.subject != person.subject => {
                Err("the identity provider returned tokens of another person")
            }
            // A person who left their last group may have no claim for groups. A missing name means nothing.
            Some(Verified { profile, groups, .. }) => {
                groups.log(&person.subject);
                let content = Self {
                    groups: groups.names,
                    groups_left_out: groups.left_out,
                    groups_stated_at: now(),
                    good_until: good_until(expires_in, expires_at, age.renewal_at(now())),
                    ..former
                };
                Ok((content, profile.updated_person(person)))
            }
            None if former.is_too_old(age) => {
                Err("the identity provider has not confirmed the person's groups for too long")
            }
            // The provider confirms no groups. Asking it more often would not help.
            None => {
                let good_until = good_until(expires_in, expires_at, age.ends_at(former.groups_stated_at));
                Ok((Self { good_until, ..former }, person))
            }
        }
    }

    /// The content with a delayed next renewal, and with the new refresh token if there is one.
    pub(super) fn postponed(self, refresh_token: Option<String>) -> Self {
        Self {
            refresh_token: refresh_token.or(self.refresh_token),
            retry_at: now() + RENEWAL_RETRY_SECONDS,
            ..self
        }
    }

    /// How long the next renewal has to wait, if it has to.
    pub(super) fn renewal_delay(&self) -> Option<Away> {
        let wait = u64::try_from(self.retry_at - now()).ok().filter(|wait| *wait > 0)?;
        Some(Away { retry_after: Duration::from_secs(wait) })
    }

    /// The update that stores this content.
    pub(super) fn replacement(&self, cookie: &SessionCookie, person: Person) -> SessionUpdate {
        match self.seal(cookie, &person) {
            Ok(sealed) => SessionUpdate::Replace { person, sealed },
            Err(_) => SessionUpdate::Keep,
        }
    }
}

/// When to renew: when the first token expires, or at `latest`.
pub(super) fn good_until(expires_in: Option<u64>, id_token_expires_at: Option<i64>, latest: i64) -> i64 {
    let now = now();
    let seconds = |seconds: u64| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let first = expires_in.map(seconds).into_iter().chain(id_token_expires_at).min();
    // A provider whose clock is behind may issue expired tokens. That must not cause a renewal on every request.
    first.unwrap_or_else(|| seconds(DEFAULT_TOKEN_LIFETIME_SECONDS)).min(latest).max(now + 1)
}

pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// The content is bound to the row and the person.
pub(super) fn row(id: SessionId, subject: &str) -> String {
    format!("{}/{subject}", hex::encode(id.0))
}

pub(super) fn place(row: &str) -> Place<'_> {
    Place { table: "sessions", row, column: "sealed" }
}

#[cfg(test)]
mod tests;
