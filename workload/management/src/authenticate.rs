//! Who calls: by session cookie, access token, or a service account's token.

use edge::Error;
use fleet::service_account::TOKEN_PREFIX;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Management;
use crate::principal::Principal;
use crate::service_accounts;
use crate::sign_in::{Caller, actor};

/// What a request presents besides cookies.
enum Presented<'a> {
    Nothing,
    /// A token of ours.
    ServiceAccount(&'a str),
    /// A token of the identity provider.
    AccessToken(&'a str),
    /// Something that we do not know.
    Other,
}

impl Management {
    /// Who calls. `None`: nothing was presented that says so, or nothing that is valid. Who presents a token is not
    /// taken for the one whose cookie comes with it.
    pub(crate) async fn principal(&self, headers: &HeaderMap) -> Result<Option<Principal>, Error> {
        let caller = match presented(headers) {
            Presented::Nothing => self.sign_in.session(headers).await?,
            Presented::AccessToken(token) => self.sign_in.bearer(token).await?,
            Presented::ServiceAccount(token) => return service_accounts::principal(&self.store, token).await,
            Presented::Other => None,
        };
        Ok(caller.map(|caller| self.person(caller)))
    }

    fn person(&self, caller: Caller) -> Principal {
        let Caller { person, groups } = caller;
        let role = self.options.roles.role_of(groups.iter().map(String::as_str));
        Principal { actor: actor(&person), email: person.email, name: person.name, groups, role }
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
