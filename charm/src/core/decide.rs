//! All of it together: what should be, given the facts.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Config;
use super::environment::{Files, Told, Variables};
use super::facts::{Bag, Facts, Relation, Secret};
use super::identity::{self, Identity};
use super::kept::{self, Content, Kept, Label};
use super::layer::Layer;
use super::observability::{dashboards, grafana, logging, remote_write, scrape, tracing};
use super::paths::{CONNECTOR_PORT, MANAGEMENT_PORT, MANAGEMENT_SERVICE};
use super::status::Condition;
use super::{authorities, database, ingress, management, sign_in, traefik};

/// What should be.
#[derive(Debug, Default)]
pub struct Desired {
    /// What the application says in each relation; nobody but the leader may write it.
    pub app_data: BTreeMap<i64, Said>,
    /// What this unit says in each relation.
    pub unit_data: BTreeMap<i64, Said>,
    /// What the leader keeps for all units.
    pub kept: BTreeMap<Label, Content>,
    /// What the leader is to make, and then to decide anew.
    pub make: Vec<Make>,
    /// The workload.
    pub run: Run,
    /// The ports of the application's service.
    pub ports: BTreeSet<u16>,
    /// Whether the number of enrolled clusters is needed, and then to decide anew.
    pub asks_for_sites: bool,
    /// What the status says.
    pub conditions: Vec<Condition>,
}

/// What is said in a relation: these keys with these values, and those without a value not any more. Other keys are left
/// alone.
pub type Said = BTreeMap<String, Option<String>>;

/// Something that takes random numbers to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Make {
    /// A key for what is encrypted in the database.
    EncryptionKey,
    /// The connector's leaf for this host.
    Leaf(String),
}

/// What is to become of the workload.
#[derive(Debug, Default)]
pub enum Run {
    /// There is nothing to run it with: it is stopped.
    Stop,
    /// Something is missing that may come: what runs goes on.
    #[default]
    Leave,
    /// It runs so.
    So(Box<Workload>),
}

/// The workload as it is to run.
#[derive(Debug)]
pub struct Workload {
    /// Pebble's layer.
    pub layer: Layer,
    /// The files.
    pub files: Files,
    /// The environment for commands.
    pub environment: Variables,
}

/// Decides.
pub fn decide(facts: &Facts) -> Desired {
    let mut desired = Desired { ports: [MANAGEMENT_PORT, CONNECTOR_PORT].into(), ..Desired::default() };
    if facts.leaving() {
        desired.run = Run::Leave;
        return desired;
    }
    let config = Config::read(facts).map_err(|problems| desired.conditions.extend(problems)).ok();
    if facts.peers().is_none() {
        desired.conditions.push(Condition::waiting("waiting for the relation among the units"));
    }
    if !facts.container.connected {
        desired.conditions.push(Condition::waiting("waiting for the container"));
    }
    let identity = identity::decide(facts, config.as_ref());
    let routed = config.as_ref().map(|config| Routed::new(facts, config, &identity));
    match routed.as_ref().map(|routed| told(facts, routed, &identity)) {
        Some(Ok((told, hints))) => {
            desired.conditions.extend(hints);
            desired.run = run(facts, &told);
        }
        Some(Err(problems)) => desired.conditions.extend(problems),
        None => {}
    }
    if facts.relation(database::ENDPOINT).is_none() {
        desired.run = Run::Stop;
    }
    if facts.leads() && facts.peers().is_some() {
        keep(facts, &mut desired, &identity);
    }
    desired.asks_for_sites = identity.asks_for_sites && facts.leads();
    desired.conditions.extend(identity.conditions);
    say(facts, routed.as_ref(), &mut desired);
    desired.conditions.extend(health(facts, &desired.run));
    desired
}

/// Where the two services are reached, and through whom.
struct Routed<'a> {
    config: &'a Config,
    /// The connector, at the host that its leaf in force names.
    connector: protocol::Address,
    /// The management API through the ingress, once that says where.
    ingress: Result<Option<protocol::Address>, Condition>,
    has_ingress: bool,
    proxies: Vec<ipnet::IpNet>,
}

impl<'a> Routed<'a> {
    fn new(facts: &Facts, config: &'a Config, identity: &Identity) -> Self {
        // While a change of the domain waits, sites and tokens keep the one that the leaf names.
        let host = identity.in_force.as_ref().map_or(config.connector.host(), |in_force| &in_force.domain);
        let connector = protocol::Address::new(host, config.connector.port());
        Self {
            config,
            connector: connector.unwrap_or_else(|_| config.connector.clone()),
            ingress: ingress::public(facts),
            has_ingress: facts.relation(ingress::ENDPOINT).is_some(),
            proxies: traefik::proxies(config),
        }
    }

    fn traefik(&self, facts: &Facts) -> Result<Bag, Condition> {
        let management = (!self.has_ingress).then_some(&self.config.management);
        traefik::request(facts, &traefik::behind(management, &self.connector), &self.proxies)
    }

    fn public(&self) -> protocol::Address {
        match &self.ingress {
            Ok(Some(address)) => address.clone(),
            _ => self.config.management.clone(),
        }
    }
}

fn told(
    facts: &Facts,
    routed: &Routed<'_>,
    identity: &Identity,
) -> Result<(Told, Vec<Condition>), Vec<Condition>> {
    let mut problems = Vec::new();
    let mut note = |condition| problems.push(condition);
    let database = database::read(facts).map_err(&mut note).ok();
    let management = management::read(facts).map_err(&mut note).ok();
    let provider = sign_in::read(facts, routed.config).map_err(&mut note).ok();
    let keys = encryption_keys(facts).map_err(&mut note).ok();
    let all = (database, management, provider, keys, identity.in_force.clone());
    let (Some(database), Some(management), Some((provider, hint)), Some(encryption_keys), Some(connector)) =
        all
    else {
        return Err(problems);
    };
    let hints = hint.into_iter().chain(management::unattended(facts)).collect();
    let told = Told {
        config: routed.config.clone(),
        database,
        provider,
        management,
        connector,
        encryption_keys,
        authorities: authorities::bundle(facts),
        public: routed.public(),
        proxies: routed.proxies.clone(),
        management_proxied: !routed.has_ingress,
        sinks: remote_write::sinks(facts),
        grafana: grafana::base_url(facts),
    };
    Ok((told, hints))
}

fn run(facts: &Facts, told: &Told) -> Run {
    let services = told.services();
    let environment = services.get(MANAGEMENT_SERVICE).cloned().unwrap_or_default();
    let layer = Layer::new(services, logging::targets(facts));
    Run::So(Box::new(Workload { layer, files: told.files(), environment }))
}

fn encryption_keys(facts: &Facts) -> Result<Secret, Condition> {
    let missing = || Condition::waiting("waiting for the leader to prepare the encryption key");
    match kept::read(facts, Label::EncryptionKeys) {
        Kept::Content(content) => content.get("keys").cloned().ok_or_else(missing),
        Kept::Absent | Kept::Unreadable => Err(missing()),
    }
}

fn keep(facts: &Facts, desired: &mut Desired, identity: &Identity) {
    if matches!(kept::read(facts, Label::EncryptionKeys), Kept::Absent) {
        desired.make.push(Make::EncryptionKey);
    }
    desired.make.extend(identity.make.clone().map(Make::Leaf));
    desired.kept.extend(management::keep(facts).map(|content| (Label::Management, content)));
    // From now on sites may pin it: another unit may show it, even where this one's container is not there.
    let shown = identity.in_force.clone().filter(|_| matches!(desired.run, Run::So(_)));
    let shown = shown.filter(|in_force| !in_force.served);
    let served = shown.map(|in_force| identity::content(&identity::InForce { served: true, ..in_force }));
    if let Some(content) = served.or_else(|| identity.keep.clone()) {
        desired.kept.insert(Label::Connector, content);
    }
}

/// What is said in all relations.
fn say(facts: &Facts, routed: Option<&Routed<'_>>, desired: &mut Desired) {
    for relation in &facts.relations {
        let (app, unit) = match said(facts, routed, relation) {
            Ok(said) => said,
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
    if let Some(Err(condition)) = routed.map(|routed| &routed.ingress) {
        desired.conditions.push(condition.clone());
    }
}

fn said(facts: &Facts, routed: Option<&Routed<'_>>, relation: &Relation) -> Result<(Said, Said), Condition> {
    let whole = |bag: Bag| bag.into_iter().map(|(key, value)| (key, Some(value))).collect::<Said>();
    let app = |bag| (whole(bag), Said::new());
    Ok(match relation.endpoint.as_str() {
        database::ENDPOINT => app(database::request()),
        authorities::ENDPOINT => app(authorities::request()),
        sign_in::ENDPOINT => match routed {
            Some(routed) => {
                app(sign_in::request(routed.config, &super::environment::written(&routed.public())))
            }
            None => (Said::new(), Said::new()),
        },
        traefik::ENDPOINT => match routed {
            Some(routed) => {
                let mut said = whole(routed.traefik(facts)?);
                said.entry("static".to_owned()).or_default();
                (said, Said::new())
            }
            None => (Said::new(), Said::new()),
        },
        ingress::ENDPOINT => (whole(ingress::request(facts)), whole(ingress::unit(facts))),
        scrape::ENDPOINT => (whole(scrape::request(facts)), whole(scrape::unit(facts))),
        remote_write::ENDPOINT => app(remote_write::request(facts)),
        dashboards::ENDPOINT => app(dashboards::request(facts)),
        logging::ENDPOINT => app(logging::request(facts)),
        tracing::ENDPOINT => app(tracing::request()),
        // The certificates' library speaks for itself, and the others ask for nothing.
        _ => (Said::new(), Said::new()),
    })
}

/// What the checks say of what runs.
fn health(facts: &Facts, run: &Run) -> Vec<Condition> {
    if !matches!(run, Run::So(_)) {
        return Vec::new();
    }
    let stopped = facts.container.services.iter().find(|(_, running)| !**running);
    if let Some((service, _)) = stopped {
        return vec![Condition::blocked(format!(
            "{service} does not run: juju ssh --container cluster-manager {} pebble logs {service}",
            facts.unit
        ))];
    }
    let down = |name: &&String| facts.container.checks.get(*name) == Some(&false);
    let ready = facts.container.checks.keys().filter(|name| name.ends_with("-ready"));
    if ready.filter(down).count() > 0 {
        return vec![Condition::waiting("waiting for the database to answer")];
    }
    Vec::new()
}
