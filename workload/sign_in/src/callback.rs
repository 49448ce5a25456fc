//! `GET /oidc/callback`: where the identity provider sends a person back to.

use edge::{Error, Response};
use http::header::USER_AGENT;
use store::access::SessionId;
use url::form_urlencoded;

use crate::attempt::Attempt;
use crate::cookie::{self, SameSite, SessionCookie};
use crate::login::{PROVIDER_AWAY, found};
use crate::provider::Away;
use crate::sign_in::{BrowserRequest, SignIn};
use crate::token_error::TokenError;
use crate::{page, redirect};

/// The longest code or state that is accepted, in bytes.
const MAX_PARAMETER_BYTES: usize = 4096;

/// The text for a person whose ID token is signed with a key that could not be fetched yet.
const KEY_MISSING: &str =
    "The identity provider uses a new key that Cluster Manager has not fetched yet. Try again in a moment.";

/// The end of a sign-in.
pub struct Callback {
    /// The response to the browser.
    pub response: Response,
    /// Why the person was refused, for the audit trail. It is one of a few fixed texts and contains nothing that came
    /// from outside. `None` if the person was signed in, or nobody was refused because something is unavailable.
    pub refused: Option<&'static str>,
}

/// The parameters that the provider sends back with the person.
#[derive(Debug, Default)]
struct Parameters {
    state: String,
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

/// Why a sign-in ends without a session.
enum Refusal {
    /// This browser did not begin such a sign-in, began it too long ago, or has already finished it.
    UnknownAttempt,
    /// The code is malformed.
    NoCode,
    /// The response names another provider.
    OtherIssuer,
    /// The provider refused the sign-in.
    ByProvider(String),
    /// The provider issued no tokens, or none that are valid.
    Tokens(TokenError),
    /// The hub cannot begin a session now.
    Hub(Error),
}

/// A refusal as everybody concerned sees it.
struct Explanation {
    error: Error,
    /// For the person.
    text: String,
    /// For the audit trail; see [`Callback::refused`].
    reason: Option<&'static str>,
    /// For the log.
    detail: String,
}

impl SignIn {
    /// Finishes a sign-in: begins a session and redirects the person to the page that they wanted, or shows what went
    /// wrong.
    pub async fn callback(&self, request: BrowserRequest) -> Result<Callback, Error> {
        let parameters = Parameters::parse(&request.query);
        let attempt = self.attempt(&request, &parameters);
        let next = next(attempt.as_ref()).to_owned();
        let mut callback = match self.finish(&request, &parameters, attempt).await {
            Ok((cookie, seconds)) => {
                let mut response = found(&next)?;
                // Strict: pages load without a session, and their own requests are same-site even right after the
                // provider, or a link in an email, sent the person here.
                cookie::set(&mut response, cookie::SESSION, &cookie.value(), SameSite::Strict, seconds);
                Callback { response, refused: None }
            }
            Err(refusal) => refuse(&request, refusal, &next),
        };
        // A code is good for one try, and so is the attempt.
        Attempt::forget(&parameters.state, &mut callback.response);
        Ok(callback)
    }

    /// The response that [`Self::callback`] would give, as far as it can be told without using the code. Programs that
    /// look at a link before a person opens it, with HEAD, must not use it up.
    pub fn preview_callback(&self, request: &BrowserRequest) -> Result<Response, Error> {
        let parameters = Parameters::parse(&request.query);
        let attempt = self.attempt(request, &parameters);
        let next = next(attempt.as_ref()).to_owned();
        match self.check(&parameters, attempt) {
            Ok(_) => found(&next),
            Err(refusal) => {
                let Explanation { error, text, .. } = refusal.explain();
                Ok(page::problem(&request.headers, error, &text, &next))
            }
        }
    }

    fn attempt(&self, request: &BrowserRequest, parameters: &Parameters) -> Option<Attempt> {
        let state = Some(parameters.state.as_str()).filter(|state| is_visible(state));
        state.and_then(|state| Attempt::find(self.store.crypter(), &request.headers, state))
    }

    async fn finish(
        &self,
        request: &BrowserRequest,
        parameters: &Parameters,
        attempt: Option<Attempt>,
    ) -> Result<(SessionCookie, u64), Refusal> {
        let (code, attempt) = self.check(parameters, attempt)?;
        let granted = self.redeem(&code, &attempt).await.map_err(Refusal::Tokens)?;
        let former = attempt.former.map(SessionId);
        let user_agent = request.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let begun = self.begin(&request.origin, granted, former, user_agent).await;
        let (cookie, lifetime) = begun.map_err(Refusal::Hub)?;
        Ok((cookie, lifetime.as_secs()))
    }

    /// The code to redeem, and the attempt that it belongs to.
    fn check(&self, parameters: &Parameters, attempt: Option<Attempt>) -> Result<(String, Attempt), Refusal> {
        let attempt = attempt.ok_or(Refusal::UnknownAttempt)?;
        if parameters.issuer.as_deref().is_some_and(|issuer| issuer != self.options.issuer.as_str()) {
            return Err(Refusal::OtherIssuer);
        }
        if let Some(error) = &parameters.error {
            return Err(Refusal::ByProvider(error.clone()));
        }
        let code = parameters.code.clone();
        let code = code.ok_or_else(|| Refusal::ByProvider("the response contains no code".to_owned()))?;
        if !is_visible(&code) {
            return Err(Refusal::NoCode);
        }
        Ok((code, attempt))
    }
}

/// The page that the person wanted.
fn next(attempt: Option<&Attempt>) -> &str {
    attempt.map_or(redirect::START, |attempt| &attempt.next)
}

/// Whether a code or state consists of the characters that RFC 6749, appendix A, allows, except the space.
fn is_visible(text: &str) -> bool {
    (1..=MAX_PARAMETER_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refuse(request: &BrowserRequest, refusal: Refusal, next: &str) -> Callback {
    let Explanation { error, text, reason, detail } = refusal.explain();
    if let Some(reason) = reason {
        let request_id = request.origin.request_id.as_deref();
        tracing::warn!(request_id, reason, detail, "refused a sign-in");
    }
    Callback { response: page::problem(&request.headers, error, &text, next), refused: reason }
}

impl Refusal {
    fn explain(self) -> Explanation {
        let explain = |error: fn(String) -> Error, text: &str, reason| Explanation {
            error: error(text.to_owned()),
            text: text.to_owned(),
            reason: Some(reason),
            detail: String::new(),
        };
        match self {
            Self::UnknownAttempt => {
                let text =
                    "This sign-in took too long, is already finished, or was begun in another browser.";
                explain(Error::BadRequest, text, "unknown or expired sign-in")
            }
            Self::NoCode => {
                let text = "The identity provider's response is malformed.";
                explain(Error::BadRequest, text, "malformed code")
            }
            Self::OtherIssuer => {
                let text = "The response comes from another identity provider.";
                explain(Error::BadRequest, text, "response of another identity provider")
            }
            Self::ByProvider(code) => {
                let code: String =
                    code.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(100).collect();
                let text = format!("The identity provider refused the sign-in: {code}");
                let reason = "refused by the identity provider";
                Explanation { detail: code, ..explain(Error::ForbiddenBecause, &text, reason) }
            }
            Self::Tokens(error) => explain_tokens(error, explain),
            Self::Hub(error) => {
                Explanation { text: error.to_string(), error, reason: None, detail: String::new() }
            }
        }
    }
}

fn explain_tokens(
    error: TokenError,
    explain: impl Fn(fn(String) -> Error, &str, &'static str) -> Explanation,
) -> Explanation {
    match error {
        TokenError::Away(away) => unavailable(away, PROVIDER_AWAY),
        TokenError::KeyMissing { away, .. } => unavailable(away, KEY_MISSING),
        TokenError::Unusable(detail) => {
            let text =
                "The identity provider returned an error or an invalid response. Try again in a moment.";
            let reason = "invalid response of the identity provider";
            Explanation { detail, ..explain(Error::BadGateway, text, reason) }
        }
        TokenError::Refused(detail) => {
            let text = "The identity provider does not accept Cluster Manager's client ID or secret.";
            let reason = "the identity provider does not accept the hub";
            Explanation { detail, ..explain(Error::BadGateway, text, reason) }
        }
        TokenError::Grant(detail) => {
            let text = "The identity provider's response is not valid.";
            Explanation { detail, ..explain(Error::ForbiddenBecause, text, "invalid code") }
        }
        TokenError::IdToken(detail) => {
            let text = "The identity provider's response is not valid.";
            Explanation { detail, ..explain(Error::ForbiddenBecause, text, "invalid ID token") }
        }
    }
}

/// Something is unavailable: nobody was refused.
fn unavailable(away: Away, text: &str) -> Explanation {
    let error = Error::Unavailable { retry_after: away.retry_after, cause: Box::new(away) };
    Explanation { error, text: text.to_owned(), reason: None, detail: String::new() }
}

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "state" => parameters.state = value,
                "code" => parameters.code = Some(value),
                "error" => parameters.error = Some(value),
                "iss" => parameters.issuer = Some(value),
                _ => {}
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_state_are_short_visible_ascii() {
        for text in ["x", "4/0AX4-_~.+=%", &"x".repeat(MAX_PARAMETER_BYTES)] {
            assert!(is_visible(text), "{text}");
        }
        for text in
            ["", " ", "a b", "a\0", "a\n", "ä", "\u{fffd}", "\u{7f}", &"x".repeat(MAX_PARAMETER_BYTES + 1)]
        {
            assert!(!is_visible(text), "{text:?}");
        }
    }
}
