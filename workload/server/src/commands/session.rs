//! `cluster-manager login`, `logout`, `whoami`.

use std::io::{IsTerminal as _, Read as _};

use fleet::ServiceToken;
use management::model::WhoAmI;
use secrecy::SecretString;

use crate::cli::{Format, Login};
use crate::failure::Failure;
use crate::output::{self, note, one_line};
use crate::prompt;
use crate::remote::{
    Client, Credentials, Entry, HubAddress, Provider, Session, SignIn, SignInOptions, TOKEN_VARIABLE, Trust,
};

/// How a hub's people can sign in at a command line.
enum Way {
    /// By a code that they confirm in their browser.
    Code(Box<Provider>, SignInOptions),
    /// Not through the provider, for this reason.
    TokenOnly(String),
}

/// Signs in, and keeps that for later commands.
pub(super) async fn login(client: Client, arguments: &Login) -> Result<(), Failure> {
    let sign_in = if arguments.token_stdin { from_stdin()? } else { interactively(&client).await? };
    let token = match &sign_in {
        SignIn::ServiceAccount { token } => token,
        SignIn::Provider { access_token, .. } => access_token,
    };
    // Before it is kept: a token of another hub is of no use.
    let (hub, trust) = (client.hub().clone(), client.trust().clone());
    let client = Client::new(hub.clone(), trust.clone(), Session::Given(token.clone()))?;
    let who: WhoAmI = client.get(&["1.0"]).await?.metadata;
    Credentials::change(|credentials| credentials.keep(&hub, Entry::new(&trust, sign_in)))?;
    note(&format!("Signed in to {hub} as {}.", described(&who)));
    if std::env::var_os(TOKEN_VARIABLE).is_some_and(|token| !token.is_empty()) {
        note(&format!("But {TOKEN_VARIABLE} is set: commands use that token instead."));
    }
    Ok(())
}

/// Forgets a sign-in.
pub(super) fn logout(hub: &HubAddress) -> Result<(), Failure> {
    if Credentials::change(|credentials| credentials.forget(hub))? {
        note(&format!("Signed out of {hub}."));
        Ok(())
    } else {
        Err(Failure::NotFound(format!("you were not signed in to {hub}")))
    }
}

/// Says who is signed in.
pub(super) async fn who_am_i(client: &Client, format: Format) -> Result<(), Failure> {
    let who: WhoAmI = client.get(&["1.0"]).await?.metadata;
    output::print(format, &who, |who| {
        let mut lines = vec![("Hub", client.hub().to_string()), ("Name", one_line(&who.name))];
        if !who.email.is_empty() {
            lines.push(("Email", one_line(&who.email)));
        }
        lines.push(("Kind", one_line(&who.kind)));
        lines.push(("Role", who.role.as_deref().map_or_else(|| "none".to_owned(), one_line)));
        if !who.groups.is_empty() {
            lines.push(("Groups", one_line(&who.groups.join(", "))));
        }
        let lines = lines.iter().map(|(label, text)| format!("{label:<15} {text}").trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn described(who: &WhoAmI) -> String {
    let role = who.role.as_deref().unwrap_or("without a role: an administrator must give you one");
    format!("{} ({})", one_line(&who.name), one_line(role))
}

fn from_stdin() -> Result<SignIn, Failure> {
    let mut text = String::new();
    // A token is short; whatever else is piped in need not be read to its end.
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(Failure::other)?;
    service_account(&SecretString::from(text))
}

fn service_account(text: &SecretString) -> Result<SignIn, Failure> {
    use secrecy::ExposeSecret as _;
    let token = text.expose_secret().trim();
    ServiceToken::parse(token).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(SignIn::ServiceAccount { token: SecretString::from(token) })
}

async fn interactively(client: &Client) -> Result<SignIn, Failure> {
    match way(client).await? {
        Way::Code(provider, options) => by_code(&provider, &options).await,
        Way::TokenOnly(reason) if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
            note(&format!("{reason}. Sign in with a service account's token instead."));
            service_account(&prompt::secret("Token: ")?)
        }
        Way::TokenOnly(reason) => Err(Failure::Usage(format!(
            "{reason}: give a service account's token on standard input: login --token-stdin"
        ))),
    }
}

async fn way(client: &Client) -> Result<Way, Failure> {
    let options: SignInOptions = match client.get_publicly(&["1.0", "sign-in"]).await {
        Ok(answer) => answer.metadata,
        Err(Failure::NotFound(_)) => {
            return Ok(Way::TokenOnly("This hub does not say how people sign in to it".to_owned()));
        }
        Err(failure) => return Err(failure),
    };
    if options.audience.as_ref().is_none_or(String::is_empty) {
        let reason =
            "This hub takes no access tokens of its identity provider (OIDC_AUDIENCE is not set there)";
        return Ok(Way::TokenOnly(reason.to_owned()));
    }
    let trust: &Trust = client.trust();
    let provider = match Provider::discover(&options.issuer, trust).await {
        Ok(provider) => provider,
        Err(Failure::Unavailable(problem)) => return Ok(Way::TokenOnly(capitalised(&problem))),
        Err(failure) => return Err(failure),
    };
    Ok(if provider.knows_devices() {
        Way::Code(Box::new(provider), options)
    } else {
        Way::TokenOnly(format!(
            "The identity provider {} cannot sign in command lines",
            one_line(&options.issuer)
        ))
    })
}

async fn by_code(provider: &Provider, options: &SignInOptions) -> Result<SignIn, Failure> {
    let code = provider.begin(options).await?;
    note(&format!(
        "Open {} in a browser and confirm the code {}",
        one_line(&code.verification_uri),
        one_line(&code.user_code)
    ));
    if let Some(whole) = &code.verification_uri_complete {
        note(&format!("(or open {})", one_line(whole)));
    }
    provider.confirmed(options, &code).await
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
