//! `cluster-manager token …`.

use management::model::JoinToken;
use protocol::ClusterName;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use settings::Source;
use time::OffsetDateTime;

use crate::backend::{Backend, MadeToken, Seen, create_join_token};
use crate::cli::{Format, Token};
use crate::failure::Failure;
use crate::output::{self, line, note};

/// Runs one of the commands.
pub(super) async fn run(backend: &Backend, format: Format, command: Token) -> Result<(), Failure> {
    match command {
        Token::Create { name, description, expire } => {
            show(format, &backend.create_join_token(name, description, expire).await?)
        }
        Token::List => list(format, &backend.join_tokens().await?),
        Token::Revoke { name } => {
            if backend.revoke_join_token(&name).await? {
                Ok(())
            } else {
                Err(Failure::NotFound(format!("there is no join token for {name:?}")))
            }
        }
    }
}

/// The existing program's `enroll`: the token alone on standard output, an explanation on standard error.
pub(super) async fn enroll(
    source: &Source,
    name: ClusterName,
    description: String,
    expire: Option<OffsetDateTime>,
) -> Result<(), Failure> {
    let made = create_join_token(source, name, description, expire).await?;
    note(&format!("Run on a member of {}:\n\n  {}\n", output::one_line(made.name.as_str()), command(&made)));
    line(made.token.expose_secret())
}

fn command(made: &MadeToken) -> String {
    format!("microcloud cluster-manager join {}", made.token.expose_secret())
}

/// To a person the whole line to be run; to a program the token alone, or all of it in its format.
fn show(format: Format, made: &MadeToken) -> Result<(), Failure> {
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
        return line(&command(made));
    }
    let shown = Shown {
        cluster_name: &made.name,
        token: made.token.expose_secret(),
        command: command(made),
        expires_at: output::moment(made.expires_at),
    };
    output::print(format, &shown, |_| String::new())
}

fn list(format: Format, Seen { value: tokens, now }: &Seen<Vec<JoinToken>>) -> Result<(), Failure> {
    output::print(format, tokens, |tokens| {
        if tokens.is_empty() {
            return "No join tokens are waiting. Make one with: cluster-manager token create NAME".to_owned();
        }
        let row = |token: &JoinToken| {
            let expiry = output::end(token.expiry, *now);
            vec![
                token.cluster_name.clone(),
                token.description.clone(),
                expiry,
                output::moment(token.created_at),
            ]
        };
        output::table(&["NAME", "DESCRIPTION", "EXPIRES", "CREATED"], tokens.iter().map(row))
    })
}
