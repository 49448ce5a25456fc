//! Authentication by session cookie, access token or a service account's token.

use std::sync::Arc;

use edge::Error;
use fleet::service_account::TOKEN_PREFIX;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use time::OffsetDateTime;

use crate::principal::Principal;
use crate::sign_in::{Caller, SignIn, actor};

/// Stands for times that are too far away for a date.
const FOR_EVER: OffsetDateTime = time::macros::datetime!(9999-12-31 0:00 UTC);

/// What a request presents besides cookies.
enum Presented<'a> {
    Nothing,
    /// A service account's token.
    ServiceAccount(&'a str),
    /// A token of the identity provider.
    AccessToken(&'a str),
    /// Credentials of an unknown kind, or several at once.
    Other,
}

impl SignIn {
    /// The caller, or `None` if the request presents no valid credentials. A token takes precedence: the cookie of a
    /// request with an `Authorization` header is ignored.
    pub async fn principal(self: &Arc<Self>, headers: &HeaderMap) -> Result<Option<Principal>, Error> {
        let caller = match presented(headers) {
            Presented::Nothing => self.session(headers).await?,
            Presented::AccessToken(token) => self.bearer(token).await?,
            Presented::ServiceAccount(token) => return self.service_account(token).await,
            Presented::Other => None,
        };
        Ok(caller.map(|caller| self.person(caller)))
    }

    fn person(&self, caller: Caller) -> Principal {
        let Caller { person, groups, groups_left_out, credential, valid_until } = caller;
        let role = self.roles.role_of(groups.iter().map(String::as_str));
        Principal {
            actor: actor(&person),
            email: person.email,
            name: person.name,
            groups,
            groups_left_out,
            role,
            credential,
            valid_until: OffsetDateTime::from_unix_timestamp(valid_until).unwrap_or(FOR_EVER),
        }
    }
}

fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let value = match (all.next(), all.next()) {
        (None, _) => return Presented::Nothing,
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Presented::Other,
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => match token.trim() {
            token if token.starts_with(TOKEN_PREFIX) => Presented::ServiceAccount(token),
            token => Presented::AccessToken(token),
        },
        _ => Presented::Other,
    }
}
