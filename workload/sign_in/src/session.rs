//! Sessions: begun by a sign-in, renewed with the provider when the tokens expire, ended by a sign-out or by expiry.

use std::sync::Arc;
use std::time::Duration;

use edge::Error;
use fleet::Origin;
use futures_util::FutureExt as _;
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use store::access::{NewSession, Session, SessionId, SessionUpdate};
use tokio::time::timeout;

use crate::cookie::SessionCookie;
use crate::errors::from_store;
use crate::provider::Away;
use crate::provider::http::CALL_TIMEOUT;
use crate::sign_in::{Caller, SignIn, actor};
use crate::token_error::TokenError;
use crate::tokens::Granted;

mod content;

use content::{Content, RoleAge, good_until, now, place, row};

/// A session that has ended.
pub(crate) struct Ended {
    /// The ID token, for the sign-out at the provider.
    pub(crate) id_token: Option<String>,
}

// === impl SignIn ===

impl SignIn {
    /// Begins a session with the tokens that the provider issued. Ends the browser's former session, whose cookie is lost.
    pub(crate) async fn begin(
        &self,
        origin: &Origin,
        granted: Granted,
        former: Option<SessionId>,
        user_agent: Option<&str>,
    ) -> Result<(SessionCookie, Duration), Error> {
        let Granted { verified, id_token, refresh_token, expires_in } = granted;
        let verified = verified.ok_or_else(|| Error::internal("the ID token is missing"))?;
        let lifetime = match refresh_token {
            Some(_) => self.options.session.lifetime,
            // The provider does not tell when such a person loses their rights.
            None => self.options.session.lifetime.min(self.options.role_max_age),
        };
        verified.groups.log(&verified.profile.subject);
        let content = Content {
            issuer: self.options.issuer.to_string(),
            good_until: good_until(expires_in, Some(verified.expires_at), self.role_age().renewal_at(now())),
            groups: verified.groups.names,
            groups_left_out: verified.groups.left_out,
            groups_stated_at: now(),
            retry_at: 0,
            id_token,
            refresh_token,
        };
        let (cookie, person) = (SessionCookie::generate(), verified.profile.person());
        let sealed = content.seal(&cookie, &person)?;
        let session = NewSession { id: cookie.id(), person: &person, sealed: &sealed, lifetime, user_agent };
        let origin = Origin { actor: actor(&person), ..origin.clone() };
        self.store.sign_in(&origin, session, former).await.map_err(from_store)?;
        tracing::info!(request_id = origin.request_id, subject = person.subject, "signed in");
        Ok((cookie, lifetime))
    }

    /// The caller with this session cookie, if the session is valid. Renews expired tokens.
    pub(crate) async fn session(self: &Arc<Self>, headers: &HeaderMap) -> Result<Option<Caller>, Error> {
        let Some(cookie) = SessionCookie::of(headers) else { return Ok(None) };
        let found = self.store.session(cookie.id(), self.options.session).await.map_err(from_store)?;
        let Some(session) = found else { return Ok(None) };
        let Some(content) = self.open(&cookie, &session) else { return Ok(None) };
        let age = self.role_age();
        if content.refresh_token.is_none() {
            // Then the person signs in again.
            return Ok((!content.is_too_old(age)).then(|| content.caller(session, age)));
        }
        if !content.is_due(age) {
            return Ok(Some(content.caller(session, age)));
        }
        if let Some(away) = self.provider.away().or_else(|| content.renewal_delay()) {
            return content.caller_unless_too_old(session, age, away).map(Some);
        }
        // In a separate task: a caller who disconnects must not interrupt a renewal, because the provider may already have
        // exchanged the refresh token for another.
        let this = self.clone();
        let renewal = tokio::spawn(async move { this.renew_session(cookie).await });
        renewal.await.map_err(Error::internal)?
    }

    /// Ends the session of this cookie, if there is one.
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
        // Limited, because each renewal holds a connection to the database while it waits for the provider.
        let _turn = self.renewals.acquire().await.map_err(Error::internal)?;
        // Refreshes old metadata before the row is locked.
        if self.provider.known().await.is_err() {
            tracing::debug!("cannot renew a session: the identity provider does not respond");
        }
        let (this, own_cookie) = (self.clone(), cookie.clone());
        let renew = move |session: Session| async move { this.update(&own_cookie, session).await }.boxed();
        let kept = self.store.update_session(cookie.id(), self.options.session, renew).await;
        let Some(session) = kept.map_err(from_store)? else { return Ok(None) };
        let Some(content) = self.open(&cookie, &session) else { return Ok(None) };
        let away = self.provider.away().unwrap_or(Away { retry_after: Duration::from_secs(5) });
        content.caller_unless_too_old(session, self.role_age(), away).map(Some)
    }

    /// Renews a session whose tokens expired, or ends it. The row is locked meanwhile.
    async fn update(&self, cookie: &SessionCookie, session: Session) -> SessionUpdate {
        let Some(content) = self.open(cookie, &session) else { return SessionUpdate::Keep };
        let Some(refresh_token) = content.refresh_token.as_deref() else { return SessionUpdate::Keep };
        if !content.is_due(self.role_age()) || content.renewal_delay().is_some() {
            // Another request has already renewed it, or tried to.
            return SessionUpdate::Keep;
        }
        let subject = session.person.subject.clone();
        let renewed = match timeout(CALL_TIMEOUT, self.renew(refresh_token)).await {
            Ok(renewed) => renewed,
            Err(_) => Err(self.provider.failed().into()),
        };
        match renewed {
            Ok(granted) => match content.renewed(granted, session.person, self.role_age()) {
                Ok((content, person)) => content.replacement(cookie, person),
                Err(problem) => {
                    tracing::warn!(subject, problem, "ended a session");
                    SessionUpdate::End
                }
            },
            Err(TokenError::Grant(problem)) => {
                tracing::info!(subject, problem, "the identity provider ended a session");
                SessionUpdate::End
            }
            Err(error @ TokenError::IdToken(_)) => {
                tracing::warn!(subject, %error, "cannot renew a session; ending it");
                SessionUpdate::End
            }
            Err(TokenError::Away(error)) => {
                tracing::warn!(subject, %error, "cannot renew a session; keeping it");
                SessionUpdate::Keep
            }
            Err(TokenError::KeyMissing { refresh_token, .. }) => {
                tracing::warn!(
                    subject,
                    error = "the key of the ID token has not been fetched yet",
                    "cannot renew a session; keeping it"
                );
                content.postponed(refresh_token).replacement(cookie, session.person)
            }
            Err(error @ (TokenError::Refused(_) | TokenError::Unusable(_))) => {
                tracing::warn!(subject, %error, "cannot renew a session; keeping it");
                content.postponed(None).replacement(cookie, session.person)
            }
        }
    }

    fn role_age(&self) -> RoleAge {
        RoleAge::new(self.options.role_max_age)
    }

    /// The content of a session, if the cookie's key opens it and the issuer is the configured one.
    fn open(&self, cookie: &SessionCookie, session: &Session) -> Option<Content> {
        let row = row(session.id, &session.person.subject);
        let text = cookie.crypter().ok()?.open(place(&row), &session.sealed).ok()?;
        let content: Content = serde_json::from_slice(text.expose_secret()).ok()?;
        (content.issuer == self.options.issuer.as_str()).then_some(content)
    }
}
