//! A session: begun by a sign-in, renewed with the provider when its tokens expire, ended by a sign-out or by time.

use std::sync::Arc;
use std::time::Duration;

use edge::Error;
use fleet::Origin;
use futures_util::FutureExt as _;
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::access::{NewSession, Person, Session, SessionId, SessionUpdate};
use store::database::Place;
use time::OffsetDateTime;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::cookie::SessionCookie;
use crate::errors::from_store;
use crate::provider::Away;
use crate::provider::http::CALL_TIMEOUT;
use crate::sign_in::{Caller, SignIn, actor};
use crate::token_error::TokenError;
use crate::tokens::Granted;

/// How long a session goes on whose tokens expired while the provider does not answer, in seconds.
const GRACE: i64 = 600;
/// How long a session lasts that the provider gave no refresh token for: nobody tells us when the person's rights end.
const UNRENEWED_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// How long groups are believed after the provider last said them, in seconds.
const GROUPS_BELIEVED: i64 = 12 * 3600;
/// How long to wait before a session is tried again whose renewal failed for what is not its fault, in seconds.
const HOLD_OFF: i64 = 5;
/// How long tokens are taken to be good where the provider does not say, in seconds.
const UNSAID_LIFETIME: u64 = 3600;

/// What a session holds, sealed under a key that only the cookie has. The access token is not kept: nothing needs it.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Which provider vouches: sessions of another one end when the setting changes.
    issuer: String,
    /// For the sign-out at the provider.
    id_token: Option<String>,
    refresh_token: Option<String>,
    groups: Vec<String>,
    /// When the provider last said which groups these are, in seconds since 1970.
    #[serde(default = "now")]
    groups_said_at: i64,
    /// Until when the provider vouches, in seconds since 1970.
    good_until: i64,
    /// Not to be renewed before this moment, in seconds since 1970, since the last try failed.
    #[serde(default)]
    retry_at: i64,
}

/// What is left of a session that ended.
pub(crate) struct Ended {
    /// For the sign-out at the provider.
    pub(crate) id_token: Option<String>,
}

// === impl SignIn ===

impl SignIn {
    /// Begins a session with what the provider granted, and ends the one that the browser had: it forgets its cookie,
    /// so nobody could end it any more.
    pub(crate) async fn begin(
        &self,
        origin: &Origin,
        granted: Granted,
        former: Option<SessionId>,
    ) -> Result<(SessionCookie, Duration), Error> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let verified = verified.ok_or_else(|| Error::internal("there is no ID token"))?;
        let lifetime = match refresh_token {
            Some(_) => self.options.session.lifetime,
            None => self.options.session.lifetime.min(UNRENEWED_LIFETIME),
        };
        let content = Content {
            issuer: self.options.issuer.to_string(),
            good_until: good_until(expires_in, Some(verified.expires_at), now()),
            groups: verified.groups.unwrap_or_default(),
            groups_said_at: now(),
            retry_at: 0,
            id_token,
            refresh_token,
        };
        let (cookie, person) = (SessionCookie::generate(), verified.said.person());
        let sealed = content.seal(&cookie, &person)?;
        let session = NewSession { id: cookie.id(), person: &person, sealed: &sealed, lifetime };
        let origin = Origin { actor: actor(&person), ..origin.clone() };
        self.store.sign_in(&origin, session, former).await.map_err(from_store)?;
        tracing::info!(request_id = origin.request_id, subject = person.subject, "signed in");
        Ok((cookie, lifetime))
    }

    /// Who calls by a session's cookie, if its session goes on. Tokens that expired are renewed on the way.
    pub(crate) async fn session(self: &Arc<Self>, headers: &HeaderMap) -> Result<Option<Caller>, Error> {
        let Some(cookie) = SessionCookie::of(headers) else { return Ok(None) };
        let found = self.store.session(cookie.id(), self.options.session).await.map_err(from_store)?;
        let Some(session) = found else { return Ok(None) };
        let Some(content) = self.open(&cookie, &session) else { return Ok(None) };
        if content.refresh_token.is_none() || now() < content.good_until {
            return Ok(Some(content.caller(session)));
        }
        if let Some(away) = self.provider.away().or_else(|| content.held_off()) {
            return content.caller_unless_too_old(session, away).map(Some);
        }
        // On a task of its own: a caller who goes away must not take with him a refresh token that the provider has
        // already exchanged for another.
        let this = self.clone();
        let renewal = tokio::spawn(async move { this.renew_session(cookie).await });
        renewal.await.map_err(Error::internal)?
    }

    /// Ends the session of this cookie, if there is one. Returns what the provider must know to end its own.
    pub(crate) async fn end(&self, origin: &Origin, cookie: &SessionCookie) -> Result<Option<Ended>, Error> {
        let found = self.store.session(cookie.id(), self.options.session).await.map_err(from_store)?;
        let Some(session) = found else { return Ok(None) };
        let Some(content) = self.open(cookie, &session) else { return Ok(None) };
        let origin = Origin { actor: actor(&session.person), ..origin.clone() };
        if self.store.sign_out(&origin, cookie.id()).await.map_err(from_store)? {
            tracing::info!(request_id = origin.request_id, subject = session.person.subject, "signed out");
        }
        Ok(Some(Ended { id_token: content.id_token }))
    }

    async fn renew_session(self: Arc<Self>, cookie: SessionCookie) -> Result<Option<Caller>, Error> {
        // Few at a time: each holds a connection to the database while it waits for the provider.
        let _turn = self.renewals.acquire().await.map_err(Error::internal)?;
        // What is old by now is asked for before the row is locked.
        if self.provider.known().await.is_err() {
            tracing::debug!("a session is not renewed: the identity provider is not known yet");
        }
        let (this, judged) = (self.clone(), cookie.clone());
        let judge = move |session: Session| async move { this.judge(&judged, session).await }.boxed();
        let kept = self.store.update_session(cookie.id(), self.options.session, judge).await;
        let Some(session) = kept.map_err(from_store)? else { return Ok(None) };
        let Some(content) = self.open(&cookie, &session) else { return Ok(None) };
        let away = self.provider.away().unwrap_or(Away { retry_after: Duration::from_secs(5) });
        content.caller_unless_too_old(session, away).map(Some)
    }

    /// What becomes of a session whose tokens expired. Its row is locked meanwhile.
    async fn judge(&self, cookie: &SessionCookie, session: Session) -> SessionUpdate {
        let Some(content) = self.open(cookie, &session) else { return SessionUpdate::Keep };
        let Some(refresh_token) = content.refresh_token.as_deref() else { return SessionUpdate::Keep };
        if now() < content.good_until || content.held_off().is_some() {
            // Whoever held the lock before us renewed it, or tried to.
            return SessionUpdate::Keep;
        }
        let subject = session.person.subject.clone();
        let renewed = match timeout(CALL_TIMEOUT, self.renew(refresh_token)).await {
            Ok(renewed) => renewed,
            Err(_) => Err(self.provider.failed().into()),
        };
        match renewed {
            Ok(granted) => match content.renewed(granted, session.person) {
                Ok((content, person)) => content.replaces(cookie, person),
                Err(problem) => {
                    tracing::warn!(subject, problem, "a session ends");
                    SessionUpdate::End
                }
            },
            Err(TokenError::Grant(problem)) => {
                tracing::info!(subject, problem, "the identity provider ended a session");
                SessionUpdate::End
            }
            Err(error @ TokenError::IdToken(_)) => {
                tracing::warn!(subject, %error, "a session cannot be renewed");
                SessionUpdate::End
            }
            Err(TokenError::Away(error)) => {
                tracing::warn!(subject, %error, "a session cannot be renewed now");
                SessionUpdate::Keep
            }
            Err(TokenError::KeyMissing { refresh_token, .. }) => {
                tracing::warn!(
                    subject,
                    "a session cannot be renewed now: the ID token's key is not known yet"
                );
                content.put_off(refresh_token).replaces(cookie, session.person)
            }
            Err(error @ (TokenError::Refused(_) | TokenError::Unusable(_))) => {
                tracing::warn!(subject, %error, "a session cannot be renewed now");
                content.put_off(None).replaces(cookie, session.person)
            }
        }
    }

    /// What a session holds, if this cookie's key opens it, and this provider vouches for it.
    fn open(&self, cookie: &SessionCookie, session: &Session) -> Option<Content> {
        let row = row(session.id, &session.person.subject);
        let text = cookie.crypter().ok()?.open(place(&row), &session.sealed).ok()?;
        let content: Content = serde_json::from_slice(text.expose_secret()).ok()?;
        (content.issuer == self.options.issuer.as_str()).then_some(content)
    }
}

// === impl Content ===

impl Content {
    fn seal(&self, cookie: &SessionCookie, person: &Person) -> Result<Vec<u8>, Error> {
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(Error::internal)?);
        let row = row(cookie.id(), &person.subject);
        cookie.crypter()?.seal(place(&row), &text).map_err(Error::internal)
    }

    fn caller(self, session: Session) -> Caller {
        Caller { person: session.person, groups: self.groups }
    }

    /// While the provider does not answer, sessions go on for a while; then it is an outage, and no reason to sign in.
    fn caller_unless_too_old(self, session: Session, away: Away) -> Result<Caller, Error> {
        if now() < self.good_until + GRACE {
            return Ok(self.caller(session));
        }
        Err(Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) })
    }

    /// With what the provider granted anew; or why it is the end.
    fn renewed(self, granted: Granted, person: Person) -> Result<(Self, Person), &'static str> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let expires_at = verified.as_ref().map(|verified| verified.expires_at);
        let (person, groups, groups_said_at) = match verified {
            Some(verified) if verified.said.subject != person.subject => {
                return Err("the identity provider renewed it for somebody else");
            }
            // Who is in no group any more may have no claim at all. A name does not vanish like that.
            Some(verified) => {
                (verified.said.person_known_as(person), verified.groups.unwrap_or_default(), now())
            }
            None if self.groups_said_at + GROUPS_BELIEVED <= now() => {
                return Err("the identity provider has not said for long which groups the person is in");
            }
            None => (person, self.groups, self.groups_said_at),
        };
        let content = Self {
            issuer: self.issuer,
            id_token: id_token.or(self.id_token),
            refresh_token: refresh_token.or(self.refresh_token),
            groups,
            groups_said_at,
            good_until: good_until(expires_in, expires_at, groups_said_at),
            retry_at: 0,
        };
        Ok((content, person))
    }

    /// As it is, but not to be renewed for a moment; with the refresh token that came, if one did.
    fn put_off(self, refresh_token: Option<String>) -> Self {
        Self { refresh_token: refresh_token.or(self.refresh_token), retry_at: now() + HOLD_OFF, ..self }
    }

    /// Whether, and until when, it is not to be renewed.
    fn held_off(&self) -> Option<Away> {
        let wait = u64::try_from(self.retry_at - now()).ok().filter(|wait| *wait > 0)?;
        Some(Away { retry_after: Duration::from_secs(wait) })
    }

    /// This from now on.
    fn replaces(&self, cookie: &SessionCookie, person: Person) -> SessionUpdate {
        match self.seal(cookie, &person) {
            Ok(sealed) => SessionUpdate::Replace { person, sealed },
            Err(_) => SessionUpdate::Keep,
        }
    }
}

/// When to ask the provider again: as soon as the first of its tokens expires, or groups are no longer believed.
fn good_until(expires_in: Option<u64>, id_token_expires_at: Option<i64>, groups_said_at: i64) -> i64 {
    let now = now();
    let seconds = |seconds: u64| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let first = expires_in.map(seconds).into_iter().chain(id_token_expires_at).min();
    // A provider whose clock is behind hands out tokens that have expired; that must not mean asking all the time.
    first.unwrap_or_else(|| seconds(UNSAID_LIFETIME)).min(groups_said_at + GROUPS_BELIEVED).max(now + 1)
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Row and person: what a session holds opens for no other.
fn row(id: SessionId, subject: &str) -> String {
    format!("{}/{subject}", hex::encode(id.0))
}

fn place(row: &str) -> Place<'_> {
    Place { table: "sessions", row, column: "sealed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{Said, Verified};

    fn content(good_until: i64) -> Content {
        Content {
            issuer: "https://idp".to_owned(),
            id_token: Some("old id".to_owned()),
            refresh_token: Some("old refresh".to_owned()),
            groups: vec!["admins".to_owned()],
            groups_said_at: now() - 10,
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
        let said = Said { subject: "a".to_owned(), name: None, email: None };
        Verified { said, groups, expires_at: now() + 100 }
    }

    #[test]
    fn what_a_renewal_without_an_id_token_does_not_say_stays() {
        let (kept, who) = content(0).renewed(granted(None), person("a")).unwrap();
        assert_eq!((kept.groups.as_slice(), kept.groups_said_at < now()), (&["admins".to_owned()][..], true));
        assert_eq!(
            (kept.refresh_token.as_deref(), kept.id_token.as_deref()),
            (Some("old refresh"), Some("old id"))
        );
        assert_eq!(who, person("a"));
        assert!((now() + 295..=now() + 300).contains(&kept.good_until));
    }

    #[test]
    fn a_renewed_id_token_says_which_groups_there_are_and_without_the_claim_there_are_none() {
        for (said, groups) in [(Some(&["viewers"][..]), &["viewers"][..]), (Some(&[]), &[]), (None, &[])] {
            let (kept, who) = content(0).renewed(granted(Some(verified(said))), person("a")).unwrap();
            assert_eq!(kept.groups, groups);
            assert!(kept.groups_said_at >= now() - 5);
            assert_eq!(who, person("a"), "name and address stay");
            let first = now() + 95..=now() + 100;
            assert!(first.contains(&kept.good_until), "the first of the tokens to expire counts");
        }
        assert!(content(0).renewed(granted(Some(verified(None))), person("b")).is_err(), "somebody else");
    }

    #[test]
    fn groups_that_nobody_confirms_are_believed_for_half_a_day() {
        let said = |seconds_ago: i64| Content { groups_said_at: now() - seconds_ago, ..content(0) };
        let (kept, _) = said(GROUPS_BELIEVED - 60).renewed(granted(None), person("a")).unwrap();
        assert!((now() + 50..=now() + 60).contains(&kept.good_until), "then the provider is asked again");
        assert!(said(GROUPS_BELIEVED).renewed(granted(None), person("a")).is_err());
        let confirmed =
            said(GROUPS_BELIEVED).renewed(granted(Some(verified(Some(&["admins"])))), person("a"));
        assert_eq!(confirmed.unwrap().0.groups, ["admins"]);
        assert!(good_until(Some(u64::MAX), Some(i64::MAX), now()) <= now() + GROUPS_BELIEVED);
    }

    #[test]
    fn a_renewal_that_failed_is_tried_again_in_a_moment_with_the_newest_refresh_token() {
        assert_eq!(content(0).held_off(), None);
        let put_off = content(0).put_off(Some("new refresh".to_owned()));
        assert!(put_off.held_off().unwrap().retry_after <= Duration::from_secs(5));
        assert_eq!(put_off.refresh_token.as_deref(), Some("new refresh"));
        assert_eq!(content(0).put_off(None).refresh_token.as_deref(), Some("old refresh"));
        assert_eq!(put_off.renewed(granted(None), person("a")).unwrap().0.held_off(), None);
    }

    #[test]
    fn tokens_that_expired_on_the_way_are_not_renewed_all_the_time() {
        assert!(good_until(Some(0), Some(now() - 1000), now()) > now() - 1);
        assert!(good_until(None, None, now()) > now() + 3000);
        assert!(good_until(Some(u64::MAX), None, now()) > now());
    }

    #[test]
    fn a_session_that_was_stored_before_groups_had_a_date_still_opens() {
        let text =
            r#"{"issuer": "i", "id_token": null, "refresh_token": "r", "groups": [], "good_until": 0}"#;
        let content: Content = serde_json::from_str(text).unwrap();
        assert!(content.groups_said_at >= now() - 5 && content.held_off().is_none());
    }

    #[test]
    fn without_its_provider_a_session_goes_on_for_a_while_and_is_then_an_outage() {
        let away = Away { retry_after: Duration::from_secs(7) };
        let ask = |good_until| {
            let session = Session { id: SessionId([1; 32]), person: person("a"), sealed: Vec::new() };
            content(good_until).caller_unless_too_old(session, away)
        };
        assert!(ask(now() - GRACE + 5).is_ok());
        let error = ask(now() - GRACE - 5).unwrap_err();
        assert_eq!(error.status(), 503);
    }
}
