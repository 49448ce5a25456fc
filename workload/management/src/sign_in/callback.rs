//! `GET /oidc/callback`: where the identity provider sends a person back to.

use edge::{Error, Response};
use store::access::SessionId;
use url::form_urlencoded;

use super::attempt::Attempt;
use super::cookie::{self, SameSite, SessionCookie};
use super::login::{AWAY, found};
use super::provider::Away;
use super::token_error::TokenError;
use super::{Visit, page, redirect};
use crate::call::Call;

/// No code or state is longer, in bytes.
const LONGEST: usize = 4096;

/// What the provider sends back with the person.
#[derive(Debug, Default)]
struct Answer {
    state: String,
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

/// Why a sign-in ends without a session.
enum Refusal {
    /// This browser began no such sign-in, or too long ago, or ended it already.
    UnknownAttempt,
    /// What came as a code cannot be one.
    NoCode,
    /// The answer says that another provider gave it.
    OtherIssuer,
    /// The provider did not let the person in.
    ByProvider(String),
    /// The provider gave no tokens, or none that can be believed.
    Tokens(TokenError),
    /// Something of ours is away.
    Ours(Error),
}

/// Ends a sign-in: begins a session and sends the person on, or says what went wrong.
pub(crate) async fn callback(call: Call) -> Result<Response, Error> {
    let visit = Visit::from(call);
    let answer = Answer::parse(&visit.query);
    let crypter = visit.management.sign_in.store.crypter();
    let attempt = Some(answer.state.as_str()).filter(|state| is_visible(state));
    let attempt = attempt.and_then(|state| Attempt::of(crypter, &visit.headers, state));
    let next = attempt.as_ref().map_or(redirect::START, |attempt| &attempt.next).to_owned();
    let mut response = match finish(&visit, &answer, attempt).await {
        Ok(cookie) => {
            let mut response = found(&next)?;
            let (cookie, seconds) = cookie;
            // Strict: our pages need no sign-in to load, and what they then ask for comes from our own site, also
            // right after the provider sent the person here, or when a link in a mail did.
            cookie::set(&mut response, cookie::SESSION, &cookie.value(), SameSite::Strict, seconds);
            response
        }
        Err(refusal) => refuse(&visit, refusal, &next),
    };
    // A code is good for one try, and so is what we remember of it.
    Attempt::forget(&answer.state, &mut response);
    Ok(response)
}

async fn finish(
    visit: &Visit,
    answer: &Answer,
    attempt: Option<Attempt>,
) -> Result<(SessionCookie, u64), Refusal> {
    let sign_in = &visit.management.sign_in;
    let attempt = attempt.ok_or(Refusal::UnknownAttempt)?;
    if answer.issuer.as_deref().is_some_and(|issuer| issuer != sign_in.options.issuer.as_str()) {
        return Err(Refusal::OtherIssuer);
    }
    if let Some(error) = &answer.error {
        return Err(Refusal::ByProvider(error.clone()));
    }
    let code = answer.code.clone().ok_or_else(|| Refusal::ByProvider("it sent no code".to_owned()))?;
    if !is_visible(&code) {
        return Err(Refusal::NoCode);
    }
    let granted = sign_in.redeem(code, &attempt).await.map_err(Refusal::Tokens)?;
    let former = attempt.former.map(SessionId);
    let begun = sign_in.begin(&visit.origin, granted, former).await;
    let (cookie, lifetime) = begun.map_err(Refusal::Ours)?;
    Ok((cookie, lifetime.as_secs()))
}

/// Whether a text of a stranger's is one that a provider may have made (RFC 6749, appendix A, without the space).
fn is_visible(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refuse(visit: &Visit, refusal: Refusal, next: &str) -> Response {
    let Told { error, text, reason, detail } = refusal.told();
    if let Some(reason) = reason {
        let request_id = visit.origin.request_id.as_deref();
        tracing::warn!(request_id, reason, detail, "a sign-in was refused");
        visit.management.note_refused_sign_in(visit.origin.clone(), reason);
    }
    page::problem(&visit.headers, error, &text, next)
}

/// A refusal, to all who want to know of it.
struct Told {
    error: Error,
    /// For the person.
    text: String,
    /// For the audit trail: one of few, and nothing that came from outside. None: nobody was refused.
    reason: Option<&'static str>,
    /// For the log.
    detail: String,
}

impl Refusal {
    fn told(self) -> Told {
        let told = |error: fn(String) -> Error, text: &str, reason| Told {
            error: error(text.to_owned()),
            text: text.to_owned(),
            reason: Some(reason),
            detail: String::new(),
        };
        match self {
            Self::UnknownAttempt => {
                let text =
                    "This sign-in took too long, was finished already, or was begun in another browser.";
                told(Error::BadRequest, text, "nobody asked for this answer")
            }
            Self::NoCode => {
                let text = "What came as the identity provider's answer cannot be one.";
                told(Error::BadRequest, text, "what came as a code is none")
            }
            Self::OtherIssuer => {
                let text = "The answer comes from another identity provider.";
                told(Error::BadRequest, text, "another identity provider answered")
            }
            Self::ByProvider(code) => {
                let code: String =
                    code.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(100).collect();
                let text = format!("The identity provider did not let you in: {code}");
                Told { detail: code, ..told(Error::ForbiddenBecause, &text, "the identity provider did") }
            }
            Self::Tokens(TokenError::Away(away)) => unavailable(away, AWAY),
            Self::Tokens(TokenError::KeyMissing { away, .. }) => unavailable(away, KEY_MISSING),
            Self::Tokens(TokenError::Unusable(detail)) => {
                let text = "The identity provider answered with an error of its own, or with something that is no \
                            answer. Try again in a moment.";
                let reason = "the identity provider's answer is of no use";
                Told { detail, ..told(Error::BadGateway, text, reason) }
            }
            Self::Tokens(TokenError::Refused(detail)) => {
                let text = "The identity provider does not take this server's client id or secret.";
                Told { detail, ..told(Error::BadGateway, text, "the identity provider refused this server") }
            }
            Self::Tokens(TokenError::Grant(detail)) => {
                let text = "The identity provider's answer is not valid.";
                Told { detail, ..told(Error::ForbiddenBecause, text, "the code is not valid") }
            }
            Self::Tokens(TokenError::IdToken(detail)) => {
                let text = "The identity provider's answer is not valid.";
                Told { detail, ..told(Error::ForbiddenBecause, text, "the ID token is not valid") }
            }
            Self::Ours(error) => Told { text: error.to_string(), error, reason: None, detail: String::new() },
        }
    }
}

const KEY_MISSING: &str =
    "The identity provider has a new key that is not known here yet; try again in a moment.";

/// Nobody was refused.
fn unavailable(away: Away, text: &str) -> Told {
    let error = Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) };
    Told { error, text: text.to_owned(), reason: None, detail: String::new() }
}

impl Answer {
    fn parse(query: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "state" => answer.state = value,
                "code" => answer.code = Some(value),
                "error" => answer.error = Some(value),
                "iss" => answer.issuer = Some(value),
                _ => {}
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_or_state_is_visible_ascii_and_not_endless() {
        for text in ["x", "4/0AX4-_~.+=%", &"x".repeat(LONGEST)] {
            assert!(is_visible(text), "{text}");
        }
        for text in ["", " ", "a b", "a\0", "a\n", "ä", "\u{fffd}", "\u{7f}", &"x".repeat(LONGEST + 1)] {
            assert!(!is_visible(text), "{text:?}");
        }
    }
}
