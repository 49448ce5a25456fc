//! A session: begun by a sign-in, renewed with the provider when its tokens expire, ended by a sign-out or by time.

use std::sync::Arc;
use std::time::Duration;

use edge::Error;
use futures_util::FutureExt as _;
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::crypter::Place;
use store::sessions::{Person, Session, SessionId, Verdict};
use time::OffsetDateTime;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::cookie::SessionCookie;
use super::http::CALL_TIMEOUT;
use super::provider::Away;
use super::tokens::{Granted, TokenError};
use super::{Caller, SignIn};
use crate::errors::from_store;

/// How long a session goes on whose tokens expired while the provider does not answer, in seconds.
const GRACE: i64 = 600;
/// How long a session lasts that the provider gave no refresh token for: nobody tells us when the person's rights end.
const UNRENEWED_LIFETIME: Duration = Duration::from_secs(12 * 3600);
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
    /// Until when the provider vouches, in seconds since 1970.
    good_until: i64,
}

// === impl SignIn ===

impl SignIn {
    /// Begins a session with what the provider granted.
    pub(crate) async fn begin(&self, granted: Granted) -> Result<(SessionCookie, Person, Duration), Error> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let verified = verified.ok_or_else(|| Error::internal("there is no ID token"))?;
        let lifetime = match refresh_token {
            Some(_) => self.options.session.lifetime,
            None => self.options.session.lifetime.min(UNRENEWED_LIFETIME),
        };
        let content = Content {
            issuer: self.options.issuer.to_string(),
            good_until: good_until(expires_in, Some(verified.expires_at)),
            groups: verified.groups.unwrap_or_default(),
            id_token,
            refresh_token,
        };
        let (cookie, person) = (SessionCookie::generate(), verified.person);
        let sealed = content.seal(&cookie, &person)?;
        self.store.begin_session(cookie.id(), &person, &sealed, lifetime).await.map_err(from_store)?;
        Ok((cookie, person, lifetime))
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
        if let Some(away) = self.provider.away() {
            return content.caller_unless_too_old(session, away).map(Some);
        }
        // On a task of its own: a caller who goes away must not take with him a refresh token that the provider has
        // already exchanged for another.
        let this = self.clone();
        let renewal = tokio::spawn(async move { this.renew_session(cookie).await });
        renewal.await.map_err(Error::internal)?
    }

    /// Ends the session of this cookie. Returns whose it was and the ID token that it held.
    pub(crate) async fn end(
        &self,
        cookie: &SessionCookie,
    ) -> Result<Option<(Person, Option<String>)>, Error> {
        let found = self.store.session(cookie.id(), self.options.session).await.map_err(from_store)?;
        let Some(session) = found else { return Ok(None) };
        let Some(content) = self.open(cookie, &session) else { return Ok(None) };
        self.store.end_session(cookie.id()).await.map_err(from_store)?;
        Ok(Some((session.person, content.id_token)))
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
        let kept = self.store.judge_session(cookie.id(), self.options.session, judge).await;
        let Some(session) = kept.map_err(from_store)? else { return Ok(None) };
        let Some(content) = self.open(&cookie, &session) else { return Ok(None) };
        let away = self.provider.away().unwrap_or(Away { retry_after: Duration::from_secs(5) });
        content.caller_unless_too_old(session, away).map(Some)
    }

    /// What becomes of a session whose tokens expired. Its row is locked meanwhile.
    async fn judge(&self, cookie: &SessionCookie, session: Session) -> Verdict {
        let Some(content) = self.open(cookie, &session) else { return Verdict::Keep };
        let Some(refresh_token) = content.refresh_token.as_deref() else { return Verdict::Keep };
        if now() < content.good_until {
            // Whoever held the lock before us renewed it.
            return Verdict::Keep;
        }
        let subject = session.person.subject.clone();
        let renewed = match timeout(CALL_TIMEOUT, self.renew(refresh_token)).await {
            Ok(renewed) => renewed,
            Err(_) => Err(self.provider.failed().into()),
        };
        match renewed {
            Ok(granted) => {
                let Some((content, person)) = content.renewed(granted, session.person) else {
                    tracing::warn!(subject, "the identity provider renewed a session for somebody else");
                    return Verdict::End;
                };
                match content.seal(cookie, &person) {
                    Ok(sealed) => Verdict::Replace { person, sealed },
                    Err(_) => Verdict::Keep,
                }
            }
            Err(TokenError::Grant(problem)) => {
                tracing::info!(subject, problem, "the identity provider ended a session");
                Verdict::End
            }
            Err(error @ TokenError::IdToken(_)) => {
                tracing::warn!(subject, %error, "a session cannot be renewed");
                Verdict::End
            }
            Err(error) => {
                tracing::warn!(subject, %error, "a session cannot be renewed now");
                if matches!(error, TokenError::Refused(_)) {
                    // It would refuse the next request's renewal too: not so soon.
                    self.provider.failed();
                }
                Verdict::Keep
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

    /// With what the provider granted anew; what it does not say stays. `None`: it speaks of somebody else.
    fn renewed(self, granted: Granted, person: Person) -> Option<(Self, Person)> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let expires_at = verified.as_ref().map(|verified| verified.expires_at);
        let (new, groups) = match verified {
            Some(verified) if verified.person.subject != person.subject => return None,
            Some(verified) => (verified.person, verified.groups),
            None => (person, None),
        };
        let content = Self {
            issuer: self.issuer,
            id_token: id_token.or(self.id_token),
            refresh_token: refresh_token.or(self.refresh_token),
            groups: groups.unwrap_or(self.groups),
            good_until: good_until(expires_in, expires_at),
        };
        Some((content, new))
    }
}

/// When to ask the provider again: as soon as the first of its tokens expires.
fn good_until(expires_in: Option<u64>, id_token_expires_at: Option<i64>) -> i64 {
    let now = now();
    let seconds = |seconds: u64| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let first = expires_in.map(seconds).into_iter().chain(id_token_expires_at).min();
    // A provider whose clock is behind hands out tokens that have expired; that must not mean asking all the time.
    first.unwrap_or_else(|| seconds(UNSAID_LIFETIME)).max(now + 1)
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
    use super::super::claims::Verified;
    use super::*;

    fn content(good_until: i64) -> Content {
        Content {
            issuer: "https://idp".to_owned(),
            id_token: Some("old id".to_owned()),
            refresh_token: Some("old refresh".to_owned()),
            groups: vec!["admins".to_owned()],
            good_until,
        }
    }

    fn person(subject: &str) -> Person {
        Person { subject: subject.to_owned(), name: "Name".to_owned(), email: String::new() }
    }

    fn granted(verified: Option<Verified>) -> Granted {
        Granted { verified, id_token: None, refresh_token: None, expires_in: Some(300) }
    }

    #[test]
    fn what_a_renewal_does_not_say_stays() {
        let (kept, who) = content(0).renewed(granted(None), person("a")).unwrap();
        assert_eq!(kept.groups, ["admins"]);
        assert_eq!(
            (kept.refresh_token.as_deref(), kept.id_token.as_deref()),
            (Some("old refresh"), Some("old id"))
        );
        assert_eq!(who, person("a"));
        assert!((now() + 295..=now() + 300).contains(&kept.good_until));

        let verified = |groups| Verified { person: person("a"), groups, expires_at: now() + 100 };
        let said = content(0).renewed(granted(Some(verified(Some(Vec::new())))), person("a")).unwrap().0;
        assert!(said.groups.is_empty(), "an empty list says that there are none");
        assert!(
            (now() + 95..=now() + 100).contains(&said.good_until),
            "the first of the tokens to expire counts"
        );
        let unsaid = content(0).renewed(granted(Some(verified(None))), person("a")).unwrap().0;
        assert_eq!(unsaid.groups, ["admins"]);
        assert!(content(0).renewed(granted(Some(verified(None))), person("b")).is_none(), "somebody else");
    }

    #[test]
    fn tokens_that_expired_on_the_way_are_not_renewed_all_the_time() {
        assert!(good_until(Some(0), Some(now() - 1000)) > now() - 1);
        assert!(good_until(None, None) > now() + 3000);
        assert!(good_until(Some(u64::MAX), None) > now());
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
