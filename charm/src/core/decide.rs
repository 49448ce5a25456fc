//! Derives the desired state from the facts.

use std::collections::{BTreeMap, BTreeSet};

use super::app_secrets::{self, Content, SecretLabel, Stored};
use super::config::Config;
use super::connector_certificate::{self, Decision};
use super::environment::{Files, Variables, WorkloadInputs};
use super::facts::{Bag, Facts, Relation, Secret};
use super::layer::Layer;
use super::names::{CONNECTOR_PORT, MANAGEMENT_PORT, MANAGEMENT_SERVICE};
use super::observability::{dashboards, grafana, logging, remote_write, scrape, tracing};
use super::status::Condition;
use super::{authorities, database, ingress, management_certificate, sign_in, traefik};

/// The desired state.
#[derive(Debug, Default)]
pub struct Desired {
    /// The application's data in each relation, by its id. Only the leader may write it.
    pub app_data: BTreeMap<i64, BagChanges>,
    /// This unit's data in each relation, by its id.
    pub unit_data: BTreeMap<i64, BagChanges>,
    /// The secrets that the leader stores for all units.
    pub secrets: BTreeMap<SecretLabel, Content>,
    /// The secrets that the leader must generate before it decides again.
    pub generate: Vec<Generate>,
    /// The state of the workload.
    pub workload: WorkloadTarget,
    /// The ports of the application's Kubernetes service.
    pub ports: BTreeSet<u16>,
    /// Whether the decision must be repeated with the number of enrolled clusters.
    pub needs_cluster_count: bool,
    /// The conditions for the status.
    pub conditions: Vec<Condition>,
}

/// Changes to the data of a relation: keys to set, and keys without a value to remove. Other keys stay as they are.
pub type BagChanges = BTreeMap<String, Option<String>>;

/// A secret to generate from random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generate {
    /// A key that encrypts data in the database.
    EncryptionKey,
    /// The connector's leaf certificate for this host.
    Leaf(String),
}

/// The desired state of the workload.
#[derive(Debug, Default)]
pub enum WorkloadTarget {
    /// Its services are stopped, because there is no database.
    Stopped,
    /// It stays as it is until all inputs are there.
    #[default]
    Unchanged,
    /// It runs as described.
    Running(Box<Workload>),
}

/// A running workload.
#[derive(Debug)]
pub struct Workload {
    /// The Pebble layer.
    pub layer: Layer,
    /// The files in the container.
    pub files: Files,
    /// The environment of commands that actions run.
    pub environment: Variables,
}

/// Derives the desired state from the facts.
pub fn decide(facts: &Facts) -> Desired {
    let mut desired = Desired { ports: [MANAGEMENT_PORT, CONNECTOR_PORT].into(), ..Desired::default() };
    if facts.leaving() {
        return desired;
    }
    let config = Config::read(facts).map_err(|problems| desired.conditions.extend(problems)).ok();
    if facts.peers().is_none() {
        desired.conditions.push(Condition::waiting("waiting for the peer relation"));
    }
    if !facts.container.connected {
        desired.conditions.push(Condition::waiting("waiting for the container"));
    }
    let certificate = connector_certificate::decide(facts, config.as_ref());
    let routing = config.as_ref().map(|config| Routing::new(facts, config, &certificate));
    match routing.as_ref().map(|routing| workload_inputs(facts, routing, &certificate)) {
        Some(Ok((inputs, hints))) => {
            desired.conditions.extend(hints);
            desired.workload = running(facts, &inputs);
        }
        Some(Err(problems)) => desired.conditions.extend(problems),
        None => {}
    }
    if facts.relation(database::ENDPOINT).is_none() {
        desired.workload = WorkloadTarget::Stopped;
    }
    if facts.leads() && facts.peers().is_some() {
        decide_secrets(facts, &mut desired, &certificate);
    }
    desired.needs_cluster_count = certificate.needs_cluster_count && facts.leads();
    desired.conditions.extend(certificate.conditions);
    decide_relations(facts, routing.as_ref(), &mut desired);
    desired.conditions.extend(workload_conditions(facts, &desired.workload));
    desired
}

/// The public addresses of the two services, and the proxies in front of them.
struct Routing<'a> {
    config: &'a Config,
    /// The connector's address, with the host that the active leaf certificate names.
    connector: protocol::Address,
    /// The management API's address at the ingress, once the ingress has published it.
    ingress: Result<Option<protocol::Address>, Condition>,
    has_ingress: bool,
    proxies: Vec<ipnet::IpNet>,
}

impl<'a> Routing<'a> {
    fn new(facts: &Facts, config: &'a Config, certificate: &Decision) -> Self {
        // While a change of the domain is pending, clusters and join tokens use the domain in the active leaf.
        let host = certificate.active.as_ref().map_or(config.connector.host(), |active| &active.domain);
        let connector = protocol::Address::new(host, config.connector.port());
        Self {
            config,
            connector: connector.unwrap_or_else(|_| config.connector.clone()),
            ingress: ingress::public_address(facts),
            has_ingress: facts.relation(ingress::ENDPOINT).is_some(),
            proxies: traefik::proxies(config),
        }
    }

    fn traefik(&self, facts: &Facts) -> Result<Bag, Condition> {
        let management = (!self.has_ingress).then_some(&self.config.management);
        traefik::request(facts, &traefik::public_services(management, &self.connector), &self.proxies)
    }

    fn management(&self) -> protocol::Address {
        match &self.ingress {
            Ok(Some(address)) => address.clone(),
            _ => self.config.management.clone(),
        }
    }
}

fn workload_inputs(
    facts: &Facts,
    routing: &Routing<'_>,
    certificate: &Decision,
) -> Result<(WorkloadInputs, Vec<Condition>), Vec<Condition>> {
    let mut problems = Vec::new();
    let mut report = |condition| problems.push(condition);
    let database = database::read(facts).map_err(&mut report).ok();
    let management = management_certificate::read(facts).map_err(&mut report).ok();
    let provider = sign_in::read(facts, routing.config).map_err(&mut report).ok();
    let keys = encryption_keys(facts).map_err(&mut report).ok();
    let all = (database, management, provider, keys, certificate.active.clone());
    let (Some(database), Some(management), Some((provider, hint)), Some(encryption_keys), Some(connector)) =
        all
    else {
        return Err(problems);
    };
    let hints = hint.into_iter().chain(management_certificate::missing_provider(facts)).collect();
    let inputs = WorkloadInputs {
        config: routing.config.clone(),
        database,
        provider,
        management,
        connector,
        encryption_keys,
        authorities: authorities::bundle(facts),
        management_address: routing.management(),
        proxies: routing.proxies.clone(),
        management_proxied: !routing.has_ingress,
        sinks: remote_write::sinks(facts),
        grafana: grafana::base_url(facts),
    };
    Ok((inputs, hints))
}

fn running(facts: &Facts, inputs: &WorkloadInputs) -> WorkloadTarget {
    let services = inputs.services();
    let environment = services.get(MANAGEMENT_SERVICE).cloned().unwrap_or_default();
    let layer = Layer::new(services, logging::targets(facts));
    WorkloadTarget::Running(Box::new(Workload { layer, files: inputs.files(), environment }))
}

fn encryption_keys(facts: &Facts) -> Result<Secret, Condition> {
    let missing = || Condition::waiting("waiting for the leader to prepare the encryption key");
    match app_secrets::read(facts, SecretLabel::EncryptionKeys) {
        Stored::Content(content) => content.get("keys").cloned().ok_or_else(missing),
        Stored::Absent | Stored::Unreadable => Err(missing()),
    }
}

fn decide_secrets(facts: &Facts, desired: &mut Desired, certificate: &Decision) {
    if matches!(app_secrets::read(facts, SecretLabel::EncryptionKeys), Stored::Absent) {
        desired.generate.push(Generate::EncryptionKey);
    }
    desired.generate.extend(certificate.generate.clone().map(Generate::Leaf));
    let management = management_certificate::issued_content(facts);
    desired.secrets.extend(management.map(|content| (SecretLabel::Management, content)));
    // Once the workload runs, clusters may pin the leaf, so it is marked as served. This holds even if this unit's
    // container is unavailable, because another unit may serve it.
    let runs = matches!(desired.workload, WorkloadTarget::Running(_));
    let first_served = certificate.active.clone().filter(|active| runs && !active.served);
    let first_served =
        first_served.map(|active| connector_certificate::ActiveLeaf { served: true, ..active });
    let content = first_served.map(|active| connector_certificate::content(&active));
    if let Some(content) = content.or_else(|| certificate.store.clone()) {
        desired.secrets.insert(SecretLabel::Connector, content);
    }
}

/// Decides the data in all relations.
fn decide_relations(facts: &Facts, routing: Option<&Routing<'_>>, desired: &mut Desired) {
    for relation in &facts.relations {
        let (app, unit) = match relation_data(facts, routing, relation) {
            Ok(data) => data,
            Err(condition) => {
                desired.conditions.push(condition);
                continue;
            }
        };
        if facts.leads() {
            desired.app_data.insert(relation.id, app);
        }
        desired.unit_data.insert(relation.id, unit);
    }
    if let Some(Err(condition)) = routing.map(|routing| &routing.ingress) {
        desired.conditions.push(condition.clone());
    }
}

/// The data of the application and of this unit in one relation.
fn relation_data(
    facts: &Facts,
    routing: Option<&Routing<'_>>,
    relation: &Relation,
) -> Result<(BagChanges, BagChanges), Condition> {
    let changes = |bag: Bag| bag.into_iter().map(|(key, value)| (key, Some(value))).collect::<BagChanges>();
    let app = |bag| (changes(bag), BagChanges::new());
    Ok(match relation.endpoint.as_str() {
        database::ENDPOINT => app(database::request()),
        authorities::ENDPOINT => app(authorities::request()),
        sign_in::ENDPOINT => match routing {
            Some(routing) => {
                let address = super::environment::without_default_port(&routing.management());
                app(sign_in::request(routing.config, &address))
            }
            None => (BagChanges::new(), BagChanges::new()),
        },
        traefik::ENDPOINT => match routing {
            Some(routing) => {
                let mut data = changes(routing.traefik(facts)?);
                data.entry("static".to_owned()).or_default();
                (data, BagChanges::new())
            }
            None => (BagChanges::new(), BagChanges::new()),
        },
        ingress::ENDPOINT => (changes(ingress::request(facts)), changes(ingress::unit(facts))),
        scrape::ENDPOINT => (changes(scrape::request(facts)), changes(scrape::unit(facts))),
        remote_write::ENDPOINT => app(remote_write::request(facts)),
        dashboards::ENDPOINT => app(dashboards::request(facts)),
        logging::ENDPOINT => app(logging::request(facts)),
        tracing::ENDPOINT => app(tracing::request()),
        // The TLS certificates library writes its own data, and the other relations need none.
        _ => (BagChanges::new(), BagChanges::new()),
    })
}

/// The conditions of a workload that should run.
fn workload_conditions(facts: &Facts, workload: &WorkloadTarget) -> Vec<Condition> {
    if !matches!(workload, WorkloadTarget::Running(_)) {
        return Vec::new();
    }
    let stopped = facts.container.services.iter().find(|(_, running)| !**running);
    if let Some((service, _)) = stopped {
        return vec![Condition::blocked(format!(
            "{service} is not running: juju ssh --container cluster-manager {} pebble logs {service}",
            facts.unit
        ))];
    }
    let is_down = |name: &&String| facts.container.checks.get(*name) == Some(&false);
    let ready_checks = facts.container.checks.keys().filter(|name| name.ends_with("-ready"));
    if ready_checks.filter(is_down).count() > 0 {
        return vec![Condition::waiting("waiting for the database to respond")];
    }
    Vec::new()
}
