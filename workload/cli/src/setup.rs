//! Settings turned into a store and health rules.

use std::path::Path;

use fleet::{Actor, HealthRules, Origin};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::SecretSlice;
use settings::source::invalid;
use settings::{Setting, Source, table, typed};
use store::access::SessionLimits;
use store::database::Server;
use store::{Crypter, DatabaseOptions, DatabaseTls, Store};

use crate::Failure;

/// Returns the store with the keys for what is encrypted in it. It connects when it is first used.
pub fn store(source: &Source) -> Result<Store, Failure> {
    new_store(database_options(source)?, crypter(source)?)
}

/// Returns the store for commands that read nothing encrypted: without keys if none are configured.
pub fn store_without_secrets(source: &Source) -> Result<Store, Failure> {
    let crypter = crypter(source).unwrap_or_else(|_| Crypter::without_keys());
    new_store(database_options(source)?, crypter)
}

/// Returns the rules for when a cluster is late or lost.
pub fn health_rules(source: &Source) -> Result<HealthRules, Failure> {
    let health = typed::Health::from(source)?;
    let seconds = |duration: std::time::Duration| time::Duration::seconds_f64(duration.as_secs_f64());
    Ok(HealthRules { late_floor: seconds(health.late), lost_floor: seconds(health.lost) })
}

/// Returns when people's sessions expire.
pub fn session_limits(source: &Source) -> Result<SessionLimits, Failure> {
    let typed::SessionLimits { idle, lifetime } = typed::SessionLimits::from(source)?;
    Ok(SessionLimits { idle, lifetime })
}

/// Returns the origin for the audit trail: the account that runs this command on this machine.
pub fn command_line_origin() -> Origin {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    Actor::command_line(&user).locally()
}

/// Reads the file that a setting names.
pub fn read_file(setting: &Setting, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::Other(format!("{}: cannot read {}: {error}", setting.name, path.display())))
}

fn new_store(options: DatabaseOptions, crypter: Crypter) -> Result<Store, Failure> {
    Store::new(options, crypter).map_err(|error| Failure::Other(format!("DB_CA_FILE: {error}")))
}

fn database_options(source: &Source) -> Result<DatabaseOptions, Failure> {
    let database = typed::Database::from(source)?;
    let tls = match (database.disable_tls, database.ca_file) {
        (true, _) => DatabaseTls::Disabled,
        (false, None) => DatabaseTls::Unverified,
        (false, Some(path)) => DatabaseTls::Verified { ca_pem: read_file(&table::DB_CA_FILE, &path)? },
    };
    let servers = database.servers.into_iter().map(|server| Server { host: server.host, port: server.port });
    Ok(DatabaseOptions {
        servers: servers.collect(),
        user: database.user,
        password: database.password,
        name: database.name,
        max_open: database.max_open,
        tls,
    })
}

/// The keys are the lines of `ENCRYPTION_KEY_FILE`, followed by the connector's private key. Without such a file, the
/// private key encrypts and seals; with one, it only opens what it encrypted and sealed before.
fn crypter(source: &Source) -> Result<Crypter, Failure> {
    let setting = &table::ENCRYPTION_KEY_FILE;
    let Some(path) = source.text(setting)? else {
        return Crypter::new(&[connector_key(source)?]).map_err(Failure::other);
    };
    let text =
        String::from_utf8(read_file(setting, Path::new(&path))?).map_err(|_| invalid(setting, &path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut keys: Vec<_> = lines.map(|line| SecretSlice::from(line.as_bytes().to_vec())).collect();
    if !keys.is_empty() {
        keys.extend(connector_key(source));
    }
    Crypter::new(&keys).map_err(|error| Failure::Other(format!("{}: {path}: {error}", setting.name)))
}

fn connector_key(source: &Source) -> Result<SecretSlice<u8>, Failure> {
    let setting = &table::CLUSTER_CONNECTOR_TLS_PATH;
    let path = Path::new(&source.required(setting)?).join("tls.key");
    let key = PrivateKeyDer::from_pem_slice(&read_file(setting, &path)?)
        .map_err(|error| Failure::Other(format!("{}: {}: {error}", setting.name, path.display())))?;
    Ok(SecretSlice::from(key.secret_der().to_vec()))
}
