//! `cluster-manager service-account …`.

use management::model::{CreatedServiceAccount, ServiceAccount};
use secrecy::ExposeSecret as _;

use crate::backend::{Backend, Seen, WantedAccount};
use crate::cli::{self, Format};
use crate::failure::Failure;
use crate::output::{self, line, note};

/// Runs one of the commands.
pub(super) async fn run(
    backend: &Backend,
    format: Format,
    command: cli::ServiceAccount,
) -> Result<(), Failure> {
    match command {
        cli::ServiceAccount::Create { name, role, description, expire } => {
            let wanted = WantedAccount { name, role, description, expiry: expire };
            show(format, &backend.create_service_account(wanted).await?)
        }
        cli::ServiceAccount::List => list(format, &backend.service_accounts().await?),
        cli::ServiceAccount::Revoke { name } => {
            if backend.revoke_service_account(&name).await? {
                Ok(())
            } else {
                Err(Failure::NotFound(format!("there is no service account named {name:?}")))
            }
        }
    }
}

/// To a person with a word about it; to a program the token alone, or all of it in its format.
fn show(format: Format, made: &CreatedServiceAccount) -> Result<(), Failure> {
    if format != Format::Table {
        return output::print(format, made, |_| String::new());
    }
    if output::is_terminal() {
        let (name, until) = (output::one_line(&made.name), output::moment(made.expiry));
        let role = made.role;
        note(&format!("The token of {name} ({role}). It works until {until} and is not shown again:\n"));
    }
    line(made.token.expose_secret())
}

fn list(format: Format, Seen { value: accounts, now }: &Seen<Vec<ServiceAccount>>) -> Result<(), Failure> {
    output::print(format, accounts, |accounts| {
        if accounts.is_empty() {
            return "There are no service accounts. Make one with: cluster-manager service-account create NAME \
                    --role ROLE"
                .to_owned();
        }
        let row = |account: &ServiceAccount| {
            vec![
                account.name.clone(),
                account.role.to_string(),
                account.description.clone(),
                output::end(account.expiry, *now),
                account.last_used_at.map_or_else(|| "never".to_owned(), output::moment),
                format!("{} by {}", output::moment(account.created_at), account.created_by),
            ]
        };
        let header = ["NAME", "ROLE", "DESCRIPTION", "EXPIRES", "LAST USED", "CREATED"];
        output::table(&header, accounts.iter().map(row))
    })
}
