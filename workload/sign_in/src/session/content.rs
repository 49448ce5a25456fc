//! The content of a session.

use std::time::Duration;

use edge::Error;
use serde::{Deserialize, Serialize};
use store::access::{Person, Session, SessionId, SessionUpdate};
use store::database::Place;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cookie::SessionCookie;
use crate::provider::Away;
use crate::sign_in::Caller;
use crate::tokens::Granted;

/// How long a session continues after its tokens expired while the provider does not respond.
const OUTAGE_GRACE_SECONDS: i64 = 600;
/// How long groups are valid after the provider last stated them.
const MAX_GROUPS_AGE_SECONDS: i64 = 12 * 3600;
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

// === impl Content ===

impl Content {
    pub(super) fn seal(&self, cookie: &SessionCookie, person: &Person) -> Result<Vec<u8>, Error> {
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(Error::internal)?);
        let row = row(cookie.id(), &person.subject);
        cookie.crypter()?.seal(place(&row), &text).map_err(Error::internal)
    }

    pub(super) fn caller(self, session: Session) -> Caller {
        Caller { person: session.person, groups: self.groups }
    }

    /// The caller while the provider does not respond. After the grace period it is an error (503), not a reason to sign in
    /// again.
    pub(super) fn caller_unless_too_old(self, session: Session, away: Away) -> Result<Caller, Error> {
        if now() < self.good_until + OUTAGE_GRACE_SECONDS {
            return Ok(self.caller(session));
        }
        Err(Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) })
    }

    /// The content and the person after a renewal, or why the session ends.
    pub(super) fn renewed(self, granted: Granted, person: Person) -> Result<(Self, Person), &'static str> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let expires_at = verified.as_ref().map(|verified| verified.expires_at);
        let (person, groups, groups_stated_at) = match verified {
            Some(verified) if verified.profile.subject != person.subject => {
                return Err("the identity provider returned tokens of another person");
            }
            // A person who left their last group may have no claim for groups. A missing name means nothing.
            Some(verified) => {
                (verified.profile.updated_person(person), verified.groups.unwrap_or_default(), now())
            }
            None if self.groups_stated_at + MAX_GROUPS_AGE_SECONDS <= now() => {
                return Err("the identity provider has not confirmed the person's groups for too long");
            }
            None => (person, self.groups, self.groups_stated_at),
        };
        let content = Self {
            issuer: self.issuer,
            id_token: id_token.or(self.id_token),
            refresh_token: refresh_token.or(self.refresh_token),
            groups,
            groups_stated_at,
            good_until: good_until(expires_in, expires_at, groups_stated_at),
            retry_at: 0,
        };
        Ok((content, person))
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

/// When to renew: when the first token or the groups expire.
pub(super) fn good_until(
    expires_in: Option<u64>,
    id_token_expires_at: Option<i64>,
    groups_stated_at: i64,
) -> i64 {
    let now = now();
    let seconds = |seconds: u64| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let first = expires_in.map(seconds).into_iter().chain(id_token_expires_at).min();
    // A provider whose clock is behind may issue expired tokens. That must not cause a renewal on every request.
    first
        .unwrap_or_else(|| seconds(DEFAULT_TOKEN_LIFETIME_SECONDS))
        .min(groups_stated_at + MAX_GROUPS_AGE_SECONDS)
        .max(now + 1)
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
mod tests {
    use super::*;
    use crate::claims::{Profile, Verified};

    fn content(good_until: i64) -> Content {
        Content {
            issuer: "https://idp".to_owned(),
            id_token: Some("old id".to_owned()),
            refresh_token: Some("old refresh".to_owned()),
            groups: vec!["admins".to_owned()],
            groups_stated_at: now() - 10,
            good_until,
            retry_at: 0,
        }
    }

    fn person(subject: &str) -> Person {
        Person { subject: subject.to_owned(), name: "Name".to_owned(), email: "a@b.c".to_owned() }
    }

    fn granted(verified: Option<Verified>) -> Granted {
        Granted { verified, id_token: None, refresh_token: None, expires_in: Some(300) }
    }

    fn verified(groups: Option<&[&str]>) -> Verified {
        let groups = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
        let profile = Profile { subject: "a".to_owned(), name: None, email: None };
        Verified { profile, groups, expires_at: now() + 100 }
    }

    #[test]
    fn renewal_without_id_token_changes_only_the_expiry() {
        let (kept, who) = content(0).renewed(granted(None), person("a")).unwrap();
        assert_eq!(
            (kept.groups.as_slice(), kept.groups_stated_at < now()),
            (&["admins".to_owned()][..], true)
        );
        assert_eq!(
            (kept.refresh_token.as_deref(), kept.id_token.as_deref()),
            (Some("old refresh"), Some("old id"))
        );
        assert_eq!(who, person("a"));
        assert!((now() + 295..=now() + 300).contains(&kept.good_until));
    }

    #[test]
    fn renewed_id_token_replaces_the_groups() {
        for (said, groups) in [(Some(&["viewers"][..]), &["viewers"][..]), (Some(&[]), &[]), (None, &[])] {
            let (kept, who) = content(0).renewed(granted(Some(verified(said))), person("a")).unwrap();
            assert_eq!(kept.groups, groups);
            assert!(kept.groups_stated_at >= now() - 5);
            assert_eq!(who, person("a"), "name and address stay");
            let first = now() + 95..=now() + 100;
            assert!(first.contains(&kept.good_until), "the first of the tokens to expire counts");
        }
        assert!(content(0).renewed(granted(Some(verified(None))), person("b")).is_err(), "somebody else");
    }

    #[test]
    fn groups_expire_if_the_provider_does_not_state_them() {
        let said = |seconds_ago: i64| Content { groups_stated_at: now() - seconds_ago, ..content(0) };
        let (kept, _) = said(MAX_GROUPS_AGE_SECONDS - 60).renewed(granted(None), person("a")).unwrap();
        assert!((now() + 50..=now() + 60).contains(&kept.good_until), "then the provider is asked again");
        assert!(said(MAX_GROUPS_AGE_SECONDS).renewed(granted(None), person("a")).is_err());
        let confirmed =
            said(MAX_GROUPS_AGE_SECONDS).renewed(granted(Some(verified(Some(&["admins"])))), person("a"));
        assert_eq!(confirmed.unwrap().0.groups, ["admins"]);
        assert!(good_until(Some(u64::MAX), Some(i64::MAX), now()) <= now() + MAX_GROUPS_AGE_SECONDS);
    }

    #[test]
    fn failed_renewal_is_retried_with_the_newest_refresh_token() {
        assert_eq!(content(0).renewal_delay(), None);
        let put_off = content(0).postponed(Some("new refresh".to_owned()));
        assert!(put_off.renewal_delay().unwrap().retry_after <= Duration::from_secs(5));
        assert_eq!(put_off.refresh_token.as_deref(), Some("new refresh"));
        assert_eq!(content(0).postponed(None).refresh_token.as_deref(), Some("old refresh"));
        assert_eq!(put_off.renewed(granted(None), person("a")).unwrap().0.renewal_delay(), None);
    }

    #[test]
    fn tokens_that_are_issued_expired_are_not_renewed_continuously() {
        assert!(good_until(Some(0), Some(now() - 1000), now()) > now() - 1);
        assert!(good_until(None, None, now()) > now() + 3000);
        assert!(good_until(Some(u64::MAX), None, now()) > now());
    }

    #[test]
    fn session_without_date_of_groups_still_opens() {
        let text =
            r#"{"issuer": "i", "id_token": null, "refresh_token": "r", "groups": [], "good_until": 0}"#;
        let content: Content = serde_json::from_str(text).unwrap();
        assert!(content.groups_stated_at >= now() - 5 && content.renewal_delay().is_none());
    }

    #[test]
    fn session_outlives_its_tokens_during_an_outage_for_the_grace_period() {
        let away = Away { retry_after: Duration::from_secs(7) };
        let ask = |good_until| {
            let session = Session { id: SessionId([1; 32]), person: person("a"), sealed: Vec::new() };
            content(good_until).caller_unless_too_old(session, away)
        };
        assert!(ask(now() - OUTAGE_GRACE_SECONDS + 5).is_ok());
        let error = ask(now() - OUTAGE_GRACE_SECONDS - 5).unwrap_err();
        assert_eq!(error.status(), 503);
    }
}
