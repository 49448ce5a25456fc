//! Settings turned into the services' options.

use std::sync::Arc;

use cli::setup::{health_rules, read_file};
use cli::{ConnectorEndpoint, Failure};
use connector::{MetricsSink, Options};
use edge::memory::container_limit;
use edge::rate_limit::{InvalidQuota, LimitSettings};
use edge::{Limits, MemoryBudget, ServerIdentity};
use protocol::{Address, Fingerprint};
use settings::source::invalid;
use settings::{Source, table, typed};
use sign_in::{IssuerUrl, ProviderHttp};
use store::access::SessionLimits;

use crate::{configuration, open_files};

/// Returns the limits of each service's connections: as the settings have it, if the process may open so many files.
pub fn connection_limits(source: &Source) -> Result<Limits, Failure> {
    let capacity = typed::Capacity::from(source)?;
    let files = open_files::raise_limit();
    let (connections, connections_per_network) =
        open_files::fit(files, capacity.connections, capacity.connections_per_network);
    if connections < capacity.connections {
        tracing::warn!(
            files,
            connections,
            "the limit of open files allows fewer connections than MAX_CONNECTIONS"
        );
    }
    Ok(Limits {
        connections,
        connections_per_network,
        max_age: capacity.connection_max_age,
        ..Limits::default()
    })
}

/// Returns the memory that this process may use: as the setting has it, or as the container has it.
pub fn memory_budget(source: &Source) -> Result<MemoryBudget, Failure> {
    let limit = typed::Capacity::from(source)?.memory_limit.or_else(container_limit);
    Ok(MemoryBudget::new(limit.filter(|bytes| *bytes > 0)))
}

/// Returns the connector's certificate.
pub fn connector_identity(settings: &typed::Connector) -> Result<Arc<ServerIdentity>, Failure> {
    ServerIdentity::load_pinned(&settings.tls_path)
        .map_err(|error| unusable(&table::CLUSTER_CONNECTOR_TLS_PATH, error))
}

/// Returns the management API's certificate.
pub fn management_identity(settings: &typed::Management) -> Result<Arc<ServerIdentity>, Failure> {
    ServerIdentity::load(&settings.tls_path).map_err(|error| unusable(&table::MANAGEMENT_API_TLS_PATH, error))
}

fn unusable(setting: &settings::Setting, error: edge::tls::IdentityError) -> Failure {
    Failure::Usage(format!("{}: {error}", setting.name))
}

/// Returns the certificate that the connector may change to, although clusters pin another one.
pub fn wanted_leaf(source: &Source) -> Result<Option<Fingerprint>, Failure> {
    Ok(source.parsed(&table::CLUSTER_CONNECTOR_FINGERPRINT)?)
}

/// Returns what join tokens say about the connector.
pub fn connector_endpoint(source: &Source) -> Result<ConnectorEndpoint, Failure> {
    let settings = typed::Connector::from(source)?;
    let address = connector_address(&settings)?;
    let identity = connector_identity(&settings)?;
    let problem = connector_certificate_problem(&identity, &address);
    Ok(ConnectorEndpoint { address, leaf: identity.leaf_fingerprint(), problem })
}

/// Returns the address that is written into join tokens.
pub fn connector_address(settings: &typed::Connector) -> Result<Address, Failure> {
    Address::new(&settings.domain, settings.port)
        .map_err(|_| invalid(&table::CLUSTER_CONNECTOR_DOMAIN, &settings.domain).into())
}

/// Returns why a cluster could not join at this address with this certificate, if so.
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
            "the connector's certificate is not for {host} but for {}: no cluster can join at this address",
            names.join(", ")
        )
    })
}

/// Returns the options of the connector.
pub fn connector_options(
    source: &Source,
    address: Address,
    sink: Arc<dyn MetricsSink>,
) -> Result<Options, Failure> {
    let limits = limits(source, connector::limits::check)?;
    Ok(Options { address, limits, sink })
}

/// Returns the options of the management API.
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
        limits: limits(source, management::http::limits::check)?,
        connector: Address::new(&domain, port)
            .map_err(|_| invalid(&table::CLUSTER_CONNECTOR_DOMAIN, &domain))?,
        public_name: settings.domain.clone(),
        configuration: configuration::shown(source)?,
        sign_in: sign_in_options(settings, identity)?,
    })
}

fn sign_in_options(
    settings: typed::Management,
    identity: Arc<ServerIdentity>,
) -> Result<sign_in::SignInOptions, Failure> {
    let issuer = IssuerUrl::new(settings.oidc_issuer.clone())
        .map_err(|_| invalid(&table::OIDC_ISSUER, &settings.oidc_issuer))?;
    let setting = &table::EXTRA_CA_FILE;
    let ca = settings.extra_ca_file.as_deref().map(|path| read_file(setting, path)).transpose()?;
    let http = ProviderHttp::new(ca.as_deref())
        .map_err(|error| Failure::Other(format!("{}: {error}", setting.name)))?;
    Ok(sign_in::SignInOptions {
        issuer,
        client_id: settings.oidc_client_id,
        client_secret: settings.oidc_client_secret,
        audience: settings.oidc_audience,
        groups_claim: settings.oidc_groups_claim,
        domain: settings.domain,
        identity,
        session: SessionLimits { idle: settings.session.idle, lifetime: settings.session.lifetime },
        role_max_age: settings.session_role_max_age,
        http,
    })
}

fn limits(
    source: &Source,
    check: impl FnOnce(&LimitSettings) -> Result<(), InvalidQuota>,
) -> Result<LimitSettings, Failure> {
    let limits = typed::RateLimits::from(source)?;
    let limits = LimitSettings {
        refill_rate: limits.refill_rate,
        bucket_size: limits.bucket_size.and_then(std::num::NonZeroU32::new),
        cleanup_interval: limits.cleanup_every,
        max_clients: limits.max_clients,
    };
    check(&limits).map_err(|error| {
        Failure::Usage(format!("RATE_LIMIT_REFILL_RATE, RATE_LIMIT_BUCKET_SIZE: {error}"))
    })?;
    Ok(limits)
}
