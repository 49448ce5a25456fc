//! `cluster-manager token …`.

use api::JoinToken;
use protocol::ClusterName;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use settings::Source;
use time::OffsetDateTime;

use crate::arguments::{Format, Token};
use crate::backend::{Backend, NewToken, Seen, create_join_token};
use crate::output::{self, line, note};
use crate::{Failure, Services};

/// Runs a subcommand of `token`.
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

/// Creates a token as `microcloud-cluster-manager enroll` does: standard output is the token alone, standard error
/// explains how to use it (contract section 5).
pub(super) async fn enroll(
    services: &dyn Services,
    source: &Source,
    name: ClusterName,
    description: String,
    expire: Option<OffsetDateTime>,
) -> Result<(), Failure> {
    let created = create_join_token(services, source, name, description, expire).await?;
    let name = output::one_line(created.name.as_str());
    note(&format!("Run this command on a member of \"{name}\":\n\n  {}\n", join_command(&created)));
    line(created.token.expose_secret())
}

fn join_command(token: &NewToken) -> String {
    format!("microcloud cluster-manager join {}", token.token.expose_secret())
}

/// Prints the command to run on a terminal, the token alone in a pipe, and everything as JSON or YAML.
fn show(format: Format, created: &NewToken) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Shown<'a> {
        cluster_name: &'a ClusterName,
        token: &'a str,
        command: String,
        expires_at: String,
    }
    if format == Format::Table {
        if !output::is_terminal() {
            return line(created.token.expose_secret());
        }
        let expiry = output::timestamp(created.expires_at);
        let name = output::one_line(created.name.as_str());
        note(&format!(
            "Run this command on a member of \"{name}\". The token works once, expires at {expiry}, and is not shown \
             again:\n"
        ));
        return line(&join_command(created));
    }
    let shown = Shown {
        cluster_name: &created.name,
        token: created.token.expose_secret(),
        command: join_command(created),
        expires_at: output::timestamp(created.expires_at),
    };
    output::print(format, &shown, |_| String::new())
}

fn list(format: Format, Seen { value: tokens, now }: &Seen<Vec<JoinToken>>) -> Result<(), Failure> {
    output::print(format, tokens, |tokens| {
        if tokens.is_empty() {
            return "No join tokens. Create one to enrol a cluster: cluster-manager token create NAME"
                .to_owned();
        }
        let row = |token: &JoinToken| {
            vec![
                token.cluster_name.clone(),
                token.description.clone(),
                output::expiry(token.expiry, *now),
                output::timestamp(token.created_at),
            ]
        };
        output::table(&["NAME", "DESCRIPTION", "EXPIRES", "CREATED"], tokens.iter().map(row))
    })
}
