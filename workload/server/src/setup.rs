//! Settings turned into a store, rules and limits.

use std::path::Path;
use std::sync::Arc;

use connector::{MetricsSink, Options};
use edge::ServerIdentity;
use edge::rate_limit::{InvalidQuota, LimitSettings};
use fleet::{Actor, HealthRules, Origin};
use management::{IssuerUrl, ProviderHttp};
use protocol::{Address, Fingerprint};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::SecretSlice;
use settings::source::invalid;
use settings::{Source, table, typed};
use store::sessions::SessionLimits;
use store::{Crypter, DatabaseOptions, DatabaseTls, Store};

use crate::configuration;
use crate::failure::Failure;

/// The store, with the keys to what is encrypted in it. Connects when it is used.
pub fn store(source: &Source) -> Result<Store, Failure> {
    let options = database_options(source)?;
    Store::new(options, crypter(source)?).map_err(|error| Failure::Other(format!("DB_CA_FILE: {error}")))
}

/// For the audit trail: whoever runs this, by the name of their account on this machine.
pub fn command_line() -> Origin {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    Actor::command_line(&user).locally()
}

/// The store for commands that read nothing secret: without keys where none are configured.
pub fn store_without_secrets(source: &Source) -> Result<Store, Failure> {
    let crypter = crypter(source).unwrap_or_else(|_| Crypter::without_keys());
    Store::new(database_options(source)?, crypter)
        .map_err(|error| Failure::Other(format!("DB_CA_FILE: {error}")))
}

fn database_options(source: &Source) -> Result<DatabaseOptions, Failure> {
    let database = typed::Database::from(source)?;
    let tls = match (database.disable_tls, database.ca_file) {
        (true, _) => DatabaseTls::Disabled,
        (false, None) => DatabaseTls::Unverified,
        (false, Some(path)) => DatabaseTls::Verified { ca_pem: read(&table::DB_CA_FILE, &path)? },
    };
    Ok(DatabaseOptions {
        host: database.host,
        port: database.port,
        user: database.user,
        password: database.password,
        name: database.name,
        max_open: database.max_open,
        tls,
    })
}

/// The keys: the lines of `ENCRYPTION_KEY_FILE`, and the connector's private key, which seals and encrypts where there
/// are no others, and otherwise still opens what it once sealed.
fn crypter(source: &Source) -> Result<Crypter, Failure> {
    let setting = &table::ENCRYPTION_KEY_FILE;
    let Some(path) = source.text(setting)? else {
        return Crypter::new(&[connector_key(source)?]).map_err(Failure::other);
    };
    let text = String::from_utf8(read(setting, Path::new(&path))?).map_err(|_| invalid(setting, &path))?;
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
    let key = PrivateKeyDer::from_pem_slice(&read(setting, &path)?)
        .map_err(|error| Failure::Other(format!("{}: {}: {error}", setting.name, path.display())))?;
    Ok(SecretSlice::from(key.secret_der().to_vec()))
}

/// The connector's certificate.
pub fn connector_identity(settings: &typed::Connector) -> Result<Arc<ServerIdentity>, Failure> {
    ServerIdentity::load_pinned(&settings.tls_path)
        .map_err(|error| unusable(&table::CLUSTER_CONNECTOR_TLS_PATH, error))
}

/// The leaf that the connector is to show although clusters pin another one.
pub fn wanted_leaf(source: &Source) -> Result<Option<Fingerprint>, Failure> {
    Ok(source.parsed(&table::CLUSTER_CONNECTOR_FINGERPRINT)?)
}

/// Why a token made with this leaf could not be joined with, if so.
pub async fn ensure_leaf_is_shown(store: &Store, leaf: Fingerprint) -> Result<(), Failure> {
    match store.connector_leaf().await? {
        Some(shown) if shown != leaf => Err(Failure::Conflict(format!(
            "the connectors show the certificate {shown}, but {} holds {leaf}: nobody could join with a token made \
             now. Restore the certificate, or restart the connectors with the new one",
            table::CLUSTER_CONNECTOR_TLS_PATH.name
        ))),
        _ => Ok(()),
    }
}

/// The management API's certificate.
pub fn management_identity(settings: &typed::Management) -> Result<Arc<ServerIdentity>, Failure> {
    ServerIdentity::load(&settings.tls_path).map_err(|error| unusable(&table::MANAGEMENT_API_TLS_PATH, error))
}

fn unusable(setting: &settings::Setting, error: edge::tls::IdentityError) -> Failure {
    Failure::Usage(format!("{}: {error}", setting.name))
}

/// The address that is written into join tokens.
pub fn connector_address(settings: &typed::Connector) -> Result<Address, Failure> {
    Address::new(&settings.domain, settings.port)
        .map_err(|_| invalid(&table::CLUSTER_CONNECTOR_DOMAIN, &settings.domain).into())
}

/// What a site would trip over when it calls this address and finds this certificate, in words.
pub fn connector_certificate_problem(identity: &ServerIdentity, address: &Address) -> Option<String> {
    let left = identity.leaf_not_after() - time::OffsetDateTime::now_utc();
    if left.is_negative() {
        return Some("the connector's certificate has expired: no cluster can join or report".to_owned());
    }
    let names = identity.leaf_names();
    let host = address.host();
    let covers = |name: &String| {
        name.eq_ignore_ascii_case(host)
            || name.strip_prefix("*.").is_some_and(|parent| {
                host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent))
            })
    };
    (!names.iter().any(covers)).then(|| {
        format!(
            "the connector's certificate does not name {host} (it names {}): no cluster can join there",
            names.join(", ")
        )
    })
}

/// When a cluster is late, and when lost.
pub fn health_rules(source: &Source) -> Result<HealthRules, Failure> {
    let health = typed::Health::from(source)?;
    let seconds = |duration: std::time::Duration| time::Duration::seconds_f64(duration.as_secs_f64());
    Ok(HealthRules { late_floor: seconds(health.late), lost_floor: seconds(health.lost) })
}

/// What the management API needs beside its store.
pub fn management_options(
    source: &Source,
    settings: typed::Management,
    identity: Arc<ServerIdentity>,
) -> Result<management::Options, Failure> {
    let domain = source.required(&table::CLUSTER_CONNECTOR_DOMAIN)?;
    let port = typed::connector_port(source)?;
    Ok(management::Options {
        health: health_rules(source)?,
        roles: source.parsed(&table::ROLE_MAPPING)?.unwrap_or_default(),
        limits: limits(source, management::limits::check)?,
        connector: Address::new(&domain, port)
            .map_err(|_| invalid(&table::CLUSTER_CONNECTOR_DOMAIN, &domain))?,
        public_name: settings.domain.clone(),
        configuration: configuration::shown(source)?,
        sign_in: sign_in_options(settings, identity)?,
    })
}

/// How people sign in.
fn sign_in_options(
    settings: typed::Management,
    identity: Arc<ServerIdentity>,
) -> Result<management::SignInOptions, Failure> {
    let issuer = IssuerUrl::new(settings.oidc_issuer.clone())
        .map_err(|_| invalid(&table::OIDC_ISSUER, &settings.oidc_issuer))?;
    let setting = &table::EXTRA_CA_FILE;
    let ca = settings.extra_ca_file.as_deref().map(|path| read(setting, path)).transpose()?;
    let http = ProviderHttp::new(ca.as_deref())
        .map_err(|error| Failure::Other(format!("{}: {error}", setting.name)))?;
    Ok(management::SignInOptions {
        issuer,
        client_id: settings.oidc_client_id,
        client_secret: settings.oidc_client_secret,
        audience: settings.oidc_audience,
        groups_claim: settings.oidc_groups_claim,
        domain: settings.domain,
        identity,
        session: SessionLimits { idle: settings.session_idle, lifetime: settings.session_lifetime },
        http,
    })
}

/// What the connector needs beside its store.
pub fn connector_options(
    source: &Source,
    address: Address,
    sink: Arc<dyn MetricsSink>,
) -> Result<Options, Failure> {
    let limits = limits(source, connector::limits::check)?;
    Ok(Options { address, health: health_rules(source)?, limits, sink })
}

fn limits(
    source: &Source,
    check: impl FnOnce(&LimitSettings) -> Result<(), InvalidQuota>,
) -> Result<LimitSettings, Failure> {
    let limits = typed::RateLimits::from(source)?;
    let limits = LimitSettings {
        refill_rate: limits.refill_rate,
        bucket_size: limits.bucket_size.and_then(std::num::NonZeroU32::new),
        cleanup_every: limits.cleanup_every,
        max_clients: limits.max_clients,
    };
    check(&limits).map_err(|error| {
        Failure::Usage(format!("RATE_LIMIT_REFILL_RATE, RATE_LIMIT_BUCKET_SIZE: {error}"))
    })?;
    Ok(limits)
}

pub(crate) fn read(setting: &settings::Setting, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::Other(format!("{}: {}: {error}", setting.name, path.display())))
}
