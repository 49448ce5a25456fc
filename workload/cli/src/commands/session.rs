//! `cluster-manager login`, `logout`, `whoami`.

use std::io::{IsTerminal as _, Read as _};

use api::WhoAmI;
use fleet::ServiceToken;
use secrecy::SecretString;

use crate::arguments::{Format, Login};
use crate::output::{self, note, one_line};
use crate::remote::{
    Client, Credentials, Entry, HubAddress, Provider, Session, SignIn, SignInOptions, TOKEN_VARIABLE, Trust,
};
use crate::{Failure, prompt};

/// Longest token that is read from standard input, in bytes.
const MAX_TOKEN_BYTES: u64 = 4096;

/// How one can sign in to a hub at a command line.
enum Method {
    /// By confirming a code in a browser.
    Code(Box<Provider>, SignInOptions),
    /// Only with the token of a service account, for this reason.
    TokenOnly(String),
}

/// Signs in and keeps the sign-in for later commands.
pub(super) async fn login(client: Client, arguments: &Login) -> Result<(), Failure> {
    let sign_in = if arguments.token_stdin { from_stdin()? } else { interactively(&client).await? };
    let token = match &sign_in {
        SignIn::ServiceAccount { token } => token,
        SignIn::Provider { access_token, .. } => access_token,
    };
    // Try the token before keeping it: it may be for another hub.
    let (hub, trust) = (client.hub().clone(), client.trust().clone());
    let client = Client::new(hub.clone(), trust.clone(), Session::Given(token.clone()))?;
    let who: WhoAmI = client.get(&["1.0"]).await?.metadata;
    Credentials::change(|credentials| credentials.keep(&hub, Entry::new(&trust, sign_in)))?;
    note(&format!("Signed in to {hub} as {}.", describe(&who)));
    if std::env::var_os(TOKEN_VARIABLE).is_some_and(|token| !token.is_empty()) {
        note(&format!("{TOKEN_VARIABLE} is set: commands use that token instead of this sign-in."));
    }
    Ok(())
}

/// Signs out: forgets the kept sign-in.
pub(super) fn logout(hub: &HubAddress) -> Result<(), Failure> {
    if Credentials::change(|credentials| credentials.forget(hub))? {
        note(&format!("Signed out of {hub}."));
        Ok(())
    } else {
        Err(Failure::NotFound(format!("you are not signed in to {hub}")))
    }
}

/// Prints who is signed in.
pub(super) async fn who_am_i(client: &Client, format: Format) -> Result<(), Failure> {
    let who: WhoAmI = client.get(&["1.0"]).await?.metadata;
    output::print(format, &who, |who| {
        let mut lines = vec![("Hub", client.hub().to_string()), ("Name", one_line(&who.name))];
        if !who.email.is_empty() {
            lines.push(("Email", one_line(&who.email)));
        }
        lines.push(("Kind", one_line(who.kind.as_str())));
        lines.push((
            "Role",
            who.role.as_ref().map_or_else(|| "none".to_owned(), |role| one_line(role.as_str())),
        ));
        if !who.groups.is_empty() {
            lines.push(("Groups", one_line(&who.groups.join(", "))));
        } else if who.groups_left_out {
            lines.push(("Groups", "left out by the identity provider, because they are too many".to_owned()));
        }
        output::labelled(&lines)
    })
}

fn describe(who: &WhoAmI) -> String {
    let no_role = match who.groups_left_out {
        true => "no role: the identity provider left out your groups, because they are too many",
        false => "no role; ask an administrator to give you one",
    };
    let role = who.role.as_ref().map_or(no_role, |role| role.as_str());
    format!("{} ({})", one_line(&who.name), one_line(role))
}

fn from_stdin() -> Result<SignIn, Failure> {
    let mut text = String::new();
    std::io::stdin().take(MAX_TOKEN_BYTES).read_to_string(&mut text).map_err(Failure::other)?;
    service_account(&SecretString::from(text))
}

fn service_account(text: &SecretString) -> Result<SignIn, Failure> {
    use secrecy::ExposeSecret as _;
    let token = text.expose_secret().trim();
    ServiceToken::parse(token).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(SignIn::ServiceAccount { token: SecretString::from(token) })
}

async fn interactively(client: &Client) -> Result<SignIn, Failure> {
    match method(client).await? {
        Method::Code(provider, options) => by_code(&provider, &options).await,
        Method::TokenOnly(reason) if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
            note(&format!("{reason}. Enter the token of a service account instead."));
            service_account(&prompt::secret("Token: ")?)
        }
        Method::TokenOnly(reason) => Err(Failure::Usage(format!(
            "{reason}: pass the token of a service account on standard input: login --token-stdin"
        ))),
    }
}

async fn method(client: &Client) -> Result<Method, Failure> {
    let options: SignInOptions = match client.get_publicly(&["1.0", "sign-in"]).await {
        Ok(response) => response.metadata,
        Err(Failure::NotFound(_)) => {
            return Ok(Method::TokenOnly("This hub does not support sign-in at a command line".to_owned()));
        }
        Err(failure) => return Err(failure),
    };
    if options.audience.as_ref().is_none_or(String::is_empty) {
        let reason = "This hub does not accept access tokens of its identity provider (OIDC_AUDIENCE is not set there)";
        return Ok(Method::TokenOnly(reason.to_owned()));
    }
    let trust: &Trust = client.trust();
    let provider = match Provider::discover(&options.issuer, trust).await {
        Ok(provider) => provider,
        Err(Failure::Unavailable(problem)) => return Ok(Method::TokenOnly(capitalise(&problem))),
        Err(failure) => return Err(failure),
    };
    Ok(if provider.supports_device_sign_in() {
        Method::Code(Box::new(provider), options)
    } else {
        Method::TokenOnly(format!(
            "The identity provider {} does not support sign-in at a command line",
            one_line(&options.issuer)
        ))
    })
}

async fn by_code(provider: &Provider, options: &SignInOptions) -> Result<SignIn, Failure> {
    let code = provider.start_sign_in(options).await?;
    note(&format!(
        "Open {} in a browser and confirm the code {}",
        one_line(&code.verification_uri),
        one_line(&code.user_code)
    ));
    if let Some(complete) = &code.verification_uri_complete {
        note(&format!("(or open {})", one_line(complete)));
    }
    provider.wait_for_sign_in(options, &code).await
}

fn capitalise(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
