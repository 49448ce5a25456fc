//! `cluster-manager service-account …`.

use api::{CreatedServiceAccount, ServiceAccount};
use secrecy::ExposeSecret as _;

use crate::Failure;
use crate::arguments::{self, Format};
use crate::backend::{Backend, NewAccount, Seen};
use crate::output::{self, line, note};

/// Runs a subcommand of `service-account`.
pub(super) async fn run(
    backend: &Backend,
    format: Format,
    command: arguments::ServiceAccount,
) -> Result<(), Failure> {
    match command {
        arguments::ServiceAccount::Create { name, role, description, expire } => {
            let account = NewAccount { name, role, description, expiry: expire };
            show(format, &backend.create_service_account(account).await?)
        }
        arguments::ServiceAccount::List => list(format, &backend.service_accounts().await?),
        arguments::ServiceAccount::Revoke { name } => {
            if backend.revoke_service_account(&name).await? {
                Ok(())
            } else {
                Err(Failure::NotFound(format!("there is no service account named {name:?}")))
            }
        }
    }
}

/// Prints the token with a note on a terminal, the token alone in a pipe, and everything as JSON or YAML.
fn show(format: Format, created: &CreatedServiceAccount) -> Result<(), Failure> {
    if format != Format::Table {
        return output::print(format, created, |_| String::new());
    }
    if output::is_terminal() {
        let (name, role) = (output::one_line(&created.name), &created.role);
        let expiry = output::timestamp(created.expiry);
        note(&format!("Token of \"{name}\" ({role}). It expires at {expiry} and is not shown again:\n"));
    }
    line(created.token.expose_secret())
}

fn list(format: Format, Seen { value: accounts, now }: &Seen<Vec<ServiceAccount>>) -> Result<(), Failure> {
    output::print(format, accounts, |accounts| {
        if accounts.is_empty() {
            return "No service accounts. Create one to let a program call the API: cluster-manager service-account \
                    create NAME --role ROLE"
                .to_owned();
        }
        let row = |account: &ServiceAccount| {
            vec![
                account.name.clone(),
                account.role.to_string(),
                account.description.clone(),
                output::expiry(account.expiry, *now),
                account.last_used_at.map_or_else(|| "never".to_owned(), output::timestamp),
                format!("{} by {}", output::timestamp(account.created_at), account.created_by),
            ]
        };
        let header = ["NAME", "ROLE", "DESCRIPTION", "EXPIRES", "LAST USED", "CREATED"];
        output::table(&header, accounts.iter().map(row))
    })
}
