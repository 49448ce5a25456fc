//! `cluster-manager local`: everything on this machine.

use std::collections::BTreeMap;
use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cli::Failure;
use cli::arguments::Local;
use cli::output::note;
use cli::private_file;
use cli::runtime::{runtime, shutdown_on_signal};
use secrecy::ExposeSecret as _;
use settings::{Setting, Source, table, typed};
use store::DatabaseOptions;
use store::database::{Durability, LocalPostgres};

use crate::certificate;
use crate::unit::{self, Addresses};

const DATABASE: &str = "cluster_manager";

/// Starts a local PostgreSQL, creates certificates on the first run, writes the settings for other commands, and serves.
pub(crate) fn run(arguments: &Local) -> Result<(), Failure> {
    let folder = prepare_folder(&arguments.data)?;
    let _lock = lock(&folder)?;
    note("Starting a local PostgreSQL …");
    let mut postgres =
        LocalPostgres::start(&folder.join("postgres"), None, Durability::Full).map_err(Failure::other)?;
    for name in ["connector", "management"] {
        certificate::ensure(&folder.join(name), arguments.connector_listen.ip())?;
    }
    let settings_file = folder.join("config.yaml");
    let mut source = Source::from_environment()?;
    let mut settings = local_settings(&folder, &postgres.options(DATABASE), arguments);
    settings.extend(placeholder_sign_in_settings(&source));
    write_settings(&settings_file, &settings)?;
    // They win over the environment, which may name another database.
    for (setting, value) in &settings {
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
        store::database::create_database(&postgres.options("postgres"), DATABASE).await?;
        unit::run(&source, addresses, shutdown, |bound| announce(&settings_file, bound)).await
    });
    postgres.stop();
    outcome
}

fn prepare_folder(folder: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| {
        Failure::Other(format!("cannot create the folder {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Other commands use settings only from a folder that nobody else can write.
    let mode = folder.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o022 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(mode & !0o022)).map_err(failed)?;
    }
    folder.canonicalize().map_err(failed)
}

/// Locks the folder: two processes on the same data would stop each other's database.
fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join("lock");
    let failed = |error: std::io::Error| Failure::Other(format!("cannot lock {}: {error}", path.display()));
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::Conflict(format!(
            "cluster-manager local already runs on {}: stop it, or choose another folder with --data",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn local_settings(
    folder: &Path,
    database: &DatabaseOptions,
    arguments: &Local,
) -> Vec<(&'static Setting, String)> {
    let domain = match arguments.connector_listen.ip() {
        ip if ip.is_unspecified() || ip.is_loopback() => "localhost".to_owned(),
        ip => ip.to_string(),
    };
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let (host, port) = database.host_and_port();
    vec![
        (&table::DB_HOST, host),
        (&table::DB_PORT, port),
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

/// Without an identity provider in the settings, the management API gets an address where none listens: it runs, and
/// sign-in reports that the provider is unreachable.
fn placeholder_sign_in_settings(source: &Source) -> Vec<(&'static Setting, String)> {
    let defaults = [(&table::OIDC_ISSUER, "http://127.0.0.1:1"), (&table::OIDC_CLIENT_ID, "cluster-manager")];
    let missing = defaults.into_iter().filter(|(setting, _)| !source.is_set(setting));
    missing.map(|(setting, value)| (setting, value.to_owned())).collect()
}

fn write_settings(path: &Path, settings: &[(&'static Setting, String)]) -> Result<(), Failure> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(setting, value)| (setting.name.to_lowercase(), value)).collect();
    let yaml = serde_yaml::to_string(&settings).map_err(Failure::other)?;
    let text = format!("# Overwritten by every start of `cluster-manager local`.\n{yaml}");
    private_file::write(path, &text)
        .map_err(|error| Failure::Other(format!("cannot write {}: {error}", path.display())))
}

fn announce(settings: &Path, bound: Addresses) {
    let address = |address: Option<std::net::SocketAddr>| {
        address.map_or_else(String::new, |address| address.to_string())
    };
    note(&format!(
        "Connector, for clusters:    https://{}\n\
         Management API, for people: https://{}\n\
         Status and metrics:         http://{}/status and /metrics\n\
         To use this hub from another folder: export CONFIG_FILE={}",
        address(bound.connector),
        address(bound.management),
        address(bound.status),
        settings.display(),
    ));
}
