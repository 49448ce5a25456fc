//! `cluster-manager token …`.

use fleet::{PendingToken, token};
use protocol::{ClusterName, JoinToken, Secret};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use settings::{Source, typed};
use store::tokens::CreateTokenError;
use time::OffsetDateTime;

use crate::cli::{Format, Token};
use crate::failure::Failure;
use crate::output::{self, line, note};
use crate::setup;

/// Runs one of the commands.
pub(super) async fn run(source: &Source, format: Format, command: Token) -> Result<(), Failure> {
    match command {
        Token::Create { name, description, expire } => {
            let made = create(source, name, description, expire).await?;
            show(format, &made)
        }
        Token::List => list(source, format).await,
        Token::Revoke { name } => revoke(source, &name).await,
    }
}

/// The existing program's `enroll`: the token alone on standard output, an explanation on standard error.
pub(super) async fn enroll(
    source: &Source,
    name: ClusterName,
    description: String,
    expire: Option<OffsetDateTime>,
) -> Result<(), Failure> {
    let made = create(source, name, description, expire).await?;
    note(&format!("Run on a member of {}:\n\n  {}\n", output::one_line(made.name.as_str()), made.command()));
    line(made.token.expose_secret())
}

struct Made {
    name: ClusterName,
    token: SecretString,
    expires_at: OffsetDateTime,
}

impl Made {
    fn command(&self) -> String {
        format!("microcloud cluster-manager join {}", self.token.expose_secret())
    }
}

async fn create(
    source: &Source,
    name: ClusterName,
    description: String,
    expire: Option<OffsetDateTime>,
) -> Result<Made, Failure> {
    let connector = typed::Connector::from(source)?;
    let address = setup::connector_address(&connector)?;
    let identity = setup::connector_identity(&connector)?;
    if let Some(problem) = setup::connector_certificate_problem(&identity, &address) {
        note(&format!("warning: {problem}"));
    }
    let store = setup::store(source)?;
    store.ensure_current().await?;
    setup::ensure_leaf_is_shown(&store, identity.leaf_fingerprint()).await?;
    let created_at = store.now().await?;
    let expiry = token::expiry(expire, created_at).map_err(|error| Failure::Usage(error.to_string()))?;
    if description.contains('\0') {
        return Err(Failure::Usage("a description cannot hold NUL".to_owned()));
    }
    let secret = Secret::from_random(&rand::random::<[u8; 32]>());
    let pending = PendingToken { cluster_name: name.clone(), description, expiry, created_at };
    store.put_join_token(&pending, &secret, &setup::command_line()).await.map_err(|error| match error {
        CreateTokenError::Store(error) => error.into(),
        taken => Failure::Conflict(taken.to_string()),
    })?;
    let token = JoinToken {
        secret,
        expires_at: expiry,
        addresses: vec![address],
        server_name: name.to_string(),
        fingerprint: identity.leaf_fingerprint(),
    };
    Ok(Made { name, token: token.encode(), expires_at: expiry })
}

/// To a person the whole line to be run; to a program the token alone, or all of it in its format.
fn show(format: Format, made: &Made) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Shown<'a> {
        cluster_name: &'a ClusterName,
        token: &'a str,
        command: String,
        expires_at: String,
    }
    if format == Format::Table {
        if !output::is_terminal() {
            return line(made.token.expose_secret());
        }
        let until = output::moment(made.expires_at);
        let name = output::one_line(made.name.as_str());
        note(&format!(
            "Run this on a member of {name}. It works once, until {until}, and is not shown again:\n"
        ));
        return line(&made.command());
    }
    let shown = Shown {
        cluster_name: &made.name,
        token: made.token.expose_secret(),
        command: made.command(),
        expires_at: output::moment(made.expires_at),
    };
    output::print(format, &shown, |_| String::new())
}

async fn list(source: &Source, format: Format) -> Result<(), Failure> {
    let store = setup::store_without_secrets(source)?;
    store.ensure_current().await?;
    let (now, tokens) = (store.now().await?, store.join_tokens().await?);
    output::print(format, &tokens, |tokens| {
        if tokens.is_empty() {
            return "No join tokens are waiting. Make one with: cluster-manager token create NAME".to_owned();
        }
        let row = |token: &PendingToken| {
            let expiry = output::moment(token.expiry);
            let expiry = if token.is_expired_at(now) { format!("{expiry} (expired)") } else { expiry };
            let name = token.cluster_name.to_string();
            vec![name, token.description.clone(), expiry, output::moment(token.created_at)]
        };
        output::table(&["NAME", "DESCRIPTION", "EXPIRES", "CREATED"], tokens.iter().map(row))
    })
}

async fn revoke(source: &Source, name: &str) -> Result<(), Failure> {
    let store = setup::store_without_secrets(source)?;
    store.ensure_current().await?;
    if store.revoke_join_token(name, &setup::command_line()).await? {
        Ok(())
    } else {
        Err(Failure::NotFound(format!("there is no join token for {name:?}")))
    }
}
