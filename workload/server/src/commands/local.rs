//! `cluster-manager local`: everything on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use settings::{Setting, Source, table, typed};
use store::DatabaseOptions;
use store::private::{Durability, PrivatePostgres};

use super::runtime;
use super::serve::shutdown_on_signal;
use crate::certificate;
use crate::cli::Local;
use crate::failure::Failure;
use crate::output::note;
use crate::unit::{self, Addresses};

const DATABASE: &str = "cluster_manager";

/// Starts a private PostgreSQL, makes certificates once, writes the settings for the other commands, and serves.
pub(super) fn run(arguments: &Local) -> Result<(), Failure> {
    let folder = prepare_folder(&arguments.data)?;
    let _lock = lock(&folder)?;
    note("Starting a private PostgreSQL …");
    let mut postgres =
        PrivatePostgres::start(&folder.join("postgres"), None, Durability::Full).map_err(Failure::other)?;
    for name in ["connector", "management"] {
        certificate::ensure(&folder.join(name), arguments.connector_listen.ip())?;
    }
    let settings = folder.join("config.yaml");
    let mut source = Source::from_environment()?;
    let mut own = own_settings(&folder, &postgres.options(DATABASE), arguments);
    own.extend(sign_in_settings(&source));
    write_settings(&settings, &own)?;
    // What runs here runs on this database, whatever the environment says of another.
    for (setting, value) in &own {
        source.set(setting, value.as_str());
    }
    crate::log::start(&typed::Log::from(&source)?)?;
    let addresses = Addresses {
        connector: Some(arguments.connector_listen),
        management: Some(arguments.management_listen),
        status: Some(arguments.status_listen),
    };
    let outcome = runtime()?.block_on(async {
        let shutdown = shutdown_on_signal()?;
        store::private::create_database(&postgres.options("postgres"), DATABASE).await?;
        unit::run(&source, addresses, shutdown, |bound| announce(&settings, bound)).await
    });
    postgres.stop();
    outcome
}

fn prepare_folder(folder: &Path) -> Result<PathBuf, Failure> {
    let at = |error: std::io::Error| Failure::Other(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(at)?;
    folder.canonicalize().map_err(at)
}

/// Two of them on the same data would end each other's database.
fn lock(folder: &Path) -> Result<std::fs::File, Failure> {
    let path = folder.join("lock");
    let at = |error: std::io::Error| Failure::Other(format!("{}: {error}", path.display()));
    let file = std::fs::File::create(&path).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::Conflict(format!("cluster-manager local already runs on {}", folder.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(at(error)),
    }
}

fn own_settings(
    folder: &Path,
    database: &DatabaseOptions,
    arguments: &Local,
) -> Vec<(&'static Setting, String)> {
    let domain = match arguments.connector_listen.ip() {
        ip if ip.is_unspecified() || ip.is_loopback() => "localhost".to_owned(),
        ip => ip.to_string(),
    };
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    vec![
        (&table::DB_HOST, database.host.clone()),
        (&table::DB_PORT, database.port.to_string()),
        (&table::DB_USER, database.user.clone()),
        (&table::DB_PASSWORD, database.password.expose_secret().to_owned()),
        (&table::DB_NAME, database.name.clone()),
        (&table::DB_DISABLE_TLS, "true".to_owned()),
        (&table::CLUSTER_CONNECTOR_TLS_PATH, text(folder.join("connector"))),
        (&table::CLUSTER_CONNECTOR_DOMAIN, domain),
        (&table::CLUSTER_CONNECTOR_PORT, arguments.connector_listen.port().to_string()),
        (&table::MANAGEMENT_API_TLS_PATH, text(folder.join("management"))),
    ]
}

/// Where nothing says which identity provider, there is none: nobody listens on port 1, and sign-in says that it is away.
fn sign_in_settings(source: &Source) -> Vec<(&'static Setting, String)> {
    let defaults = [(&table::OIDC_ISSUER, "http://127.0.0.1:1"), (&table::OIDC_CLIENT_ID, "cluster-manager")];
    let missing = defaults.into_iter().filter(|(setting, _)| !source.says(setting));
    missing.map(|(setting, value)| (setting, value.to_owned())).collect()
}

fn write_settings(path: &Path, own: &[(&'static Setting, String)]) -> Result<(), Failure> {
    let settings: BTreeMap<_, _> =
        own.iter().map(|(setting, value)| (setting.name.to_lowercase(), value)).collect();
    let yaml = serde_yaml::to_string(&settings).map_err(Failure::other)?;
    let text = format!("# Written anew by every `cluster-manager local`.\n{yaml}");
    certificate::write_private(path, &text)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

fn announce(settings: &Path, bound: Addresses) {
    let address = |address: Option<std::net::SocketAddr>| {
        address.map_or_else(String::new, |address| address.to_string())
    };
    note(&format!(
        "Clusters reach the connector at https://{}, people the management API at https://{}.\n\
         Status and metrics: http://{}/status and /metrics.\n\
         Other commands find this through: CONFIG_FILE={}",
        address(bound.connector),
        address(bound.management),
        address(bound.status),
        settings.display(),
    ));
}
