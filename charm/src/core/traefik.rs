//! The relation `traefik-route`: configures Traefik to pass TLS through to all units, with the PROXY protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::Address;
use serde::Serialize;

use super::config::Config;
use super::facts::{Bag, Facts, unit_number};
use super::names::{CONNECTOR_PORT, CONNECTOR_SERVICE, MANAGEMENT_PORT, MANAGEMENT_SERVICE};
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "traefik-route";
/// Traefik's default entry point for TLS, and its port.
const WEBSECURE: (&str, u16) = ("websecure", 443);
/// The ports that Traefik's charm uses itself.
const RESERVED_PORTS: [u16; 2] = [80, 443];

/// A service with its public address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicService<'a> {
    /// The name of the service.
    pub service: &'static str,
    /// The public address.
    pub address: &'a Address,
    /// The port on which the units listen.
    pub port: u16,
}

/// The services behind Traefik: the connector, and the management API unless an ingress serves it.
pub fn public_services<'a>(
    management: Option<&'a Address>,
    connector: &'a Address,
) -> Vec<PublicService<'a>> {
    let connector = PublicService { service: CONNECTOR_SERVICE, address: connector, port: CONNECTOR_PORT };
    let management = management.map(|address| PublicService {
        service: MANAGEMENT_SERVICE,
        address,
        port: MANAGEMENT_PORT,
    });
    [connector].into_iter().chain(management).collect()
}

/// The leader's data.
pub fn request(facts: &Facts, services: &[PublicService<'_>], proxies: &[IpNet]) -> Result<Bag, Condition> {
    let mut tcp = Tcp::default();
    let mut entry_points = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for PublicService { service, address, port } in services {
        let by_name = address.host().parse::<IpAddr>().is_err();
        let entry_point = entry_point(service, address, by_name)?;
        // Services with different names can share a port.
        let endpoint = (address.port(), by_name.then(|| address.host().to_ascii_lowercase()));
        if !taken.insert(endpoint) {
            return Err(Condition::blocked(
                "behind Traefik, management-api-domain and cluster-connector-domain need different names or ports",
            ));
        }
        if entry_point != WEBSECURE.0 {
            entry_points.insert(entry_point.clone(), EntryPoint { address: format!(":{}", address.port()) });
        }
        let name = format!("{}-{}-{service}", facts.model, facts.app);
        let host = if by_name { address.host() } else { "*" };
        tcp.routers.insert(
            name.clone(),
            Router {
                entry_points: [entry_point],
                rule: format!("HostSNI(`{host}`)"),
                service: name.clone(),
                // Without a name Traefik cannot distinguish TLS connections, so the service uses the whole port.
                tls: by_name.then_some(RouterTls { passthrough: true }),
            },
        );
        let servers =
            hosts(facts).into_iter().map(|host| Server { address: format!("{host}:{port}") }).collect();
        let proxy_protocol = (!proxies.is_empty()).then_some(ProxyProtocol { version: 2 });
        tcp.services.insert(name, Service { load_balancer: LoadBalancer { proxy_protocol, servers } });
    }
    let mut bag = Bag::from([
        ("config".to_owned(), to_yaml(&Dynamic { tcp })?),
        // Otherwise Traefik's charm adds its own router, which terminates TLS.
        ("raw".to_owned(), "True".to_owned()),
    ]);
    if !entry_points.is_empty() {
        bag.insert("static".to_owned(), to_yaml(&Static { entry_points })?);
    }
    Ok(bag)
}

/// The networks that send PROXY headers, as the operator set them. Without any, Traefik sends none. The networks cannot be
/// derived from the relation: it holds the address of Traefik's Kubernetes service, not of its pods.
pub fn proxies(config: &Config) -> Vec<IpNet> {
    config.trusted_proxies.clone()
}

fn entry_point(service: &str, address: &Address, by_name: bool) -> Result<String, Condition> {
    let port = address.port();
    if by_name && port == WEBSECURE.1 {
        return Ok(WEBSECURE.0.to_owned());
    }
    if !RESERVED_PORTS.contains(&port) {
        return Ok(format!("{service}-{port}"));
    }
    let (option, example) = if service == CONNECTOR_SERVICE {
        ("cluster-connector-port", "30000".to_owned())
    } else {
        ("management-api-domain", format!("{}:9000", address.host()))
    };
    let host = address.host();
    Err(Condition::blocked(format!(
        "behind Traefik, {host} needs a port other than {port}: set {option}, for example to {example}"
    )))
}

/// The DNS names of the units, in the order of their numbers.
pub fn hosts(facts: &Facts) -> Vec<String> {
    let suffix = facts.host.split_once('.').map_or("", |(_, suffix)| suffix);
    let peers = facts.peers().into_iter().flat_map(|peers| peers.units.keys());
    let units = peers.chain([&facts.unit]).filter_map(|unit| unit_number(unit));
    let planned = |number: &u32| facts.planned_units.is_none_or(|planned| *number < planned);
    let numbers: BTreeSet<u32> = units.filter(planned).collect();
    numbers.into_iter().map(|number| format!("{}-{number}.{suffix}", facts.app)).collect()
}

fn to_yaml(value: &impl Serialize) -> Result<String, Condition> {
    serde_yaml::to_string(value).map_err(|error| Condition::blocked(format!("traefik-route: {error}")))
}

// Traefik's configuration, as of 2.11.

#[derive(Serialize)]
struct Dynamic {
    tcp: Tcp,
}

#[derive(Serialize, Default)]
struct Tcp {
    routers: BTreeMap<String, Router>,
    services: BTreeMap<String, Service>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Router {
    entry_points: [String; 1],
    rule: String,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<RouterTls>,
}

#[derive(Serialize)]
struct RouterTls {
    passthrough: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    load_balancer: LoadBalancer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancer {
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_protocol: Option<ProxyProtocol>,
    servers: Vec<Server>,
}

#[derive(Serialize)]
struct ProxyProtocol {
    version: u8,
}

#[derive(Serialize)]
struct Server {
    address: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Static {
    entry_points: BTreeMap<String, EntryPoint>,
}

#[derive(Serialize)]
struct EntryPoint {
    address: String,
}
