//! The charm's routes in a real Traefik: TLS passes through to two units, and each knows the caller's address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use agent::client::{CallOptions, ClusterClient, Network, Proof, Report, call};
use harness::hub::{free_port, keys};
use harness::{Browser, Hub, IdentityProvider, Traefik, traefik, wait};
use protocol::Address;
use serde_json::{Value, json};

const ROUTES: &str = include_str!("../../../charm/tests/golden/traefik-route.yaml");
/// The same where clusters call an IP address, with the entry point that this needs.
const BY_ADDRESS: &str = include_str!("../../../charm/tests/golden/traefik-route-address.yaml");
const ENTRY_POINT: &str = include_str!("../../../charm/tests/golden/traefik-route-address-static.yaml");
/// The domains in them.
const PEOPLES: &str = "manager.example.com";
const SITES: &str = "sites.example.com";
/// The addresses of a cluster and a person; Traefik's own is 127.0.0.1.
const SITE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const PERSON: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));

/// Two units of each service behind a Traefik, whose PROXY headers they trust.
struct Fleet {
    provider: IdentityProvider,
    hub: Hub,
    traefik: Traefik,
    /// Where people and clusters reach Traefik.
    entrances: [SocketAddr; 2],
}

impl Fleet {
    /// Starts units of each service, with the domain that clusters call and the entry points for people and clusters.
    async fn start(units: usize, domain: &str, entry_points: [&str; 2]) -> Self {
        let provider = IdentityProvider::start(json!({})).await;
        let people = free_port();
        let sites = if entry_points[0] == entry_points[1] { people } else { free_port() };
        let settings = [
            ("OIDC_ISSUER", provider.issuer.as_str()),
            ("MANAGEMENT_API_DOMAIN", &format!("localhost:{people}")),
            ("CLUSTER_CONNECTOR_DOMAIN", domain),
            ("CLUSTER_CONNECTOR_PORT", &sites.to_string()),
            ("PROXY_TRUSTED", "127.0.0.1/32"),
        ];
        let mut hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &settings);
        hub.certify("connector", &[domain]);
        for _ in 0..units {
            hub.add_unit().await;
            hub.add_management().await;
        }
        let traefik =
            Traefik::start(&BTreeMap::from([(entry_points[0], people), (entry_points[1], sites)])).await;
        let entrances = [people, sites].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Self { provider, hub, traefik, entrances }
    }

    /// Gives Traefik the charm's routes, and waits until both services respond.
    async fn route(&self, routes: &str, domain: &str) {
        let units = BTreeMap::from([
            (9000, self.hub.managements().iter().map(|unit| unit.address).collect()),
            (30000, self.hub.units().iter().map(|unit| unit.address).collect()),
        ]);
        let routes = traefik::on_this_machine(routes, &[(PEOPLES, "localhost")], &units);
        self.traefik.route(&routes).await;
        for (domain, entrance) in ["localhost", domain].into_iter().zip(self.entrances) {
            wait::until("it is reached through Traefik", Duration::from_secs(30), async || {
                status(domain, entrance).await.is_some_and(|answer| answer.status == 200)
            })
            .await;
        }
    }

    /// A cluster that joined through Traefik.
    async fn enrol(&self, name: &str) -> ClusterClient {
        let token = self.hub.token(name);
        let network = through_traefik(self.entrances[1]);
        let site = ClusterClient::from_token(&token, keys(name)).unwrap().with_network(network);
        site.join(&token, Proof::Token).await.unwrap();
        site
    }

    async fn audit_trail(&self, action: &str) -> Vec<String> {
        let sql = format!("SELECT host(address) FROM events WHERE action = '{action}' ORDER BY id");
        store::testing::texts(&self.hub.database, &sql).await.unwrap()
    }

    /// The number of heartbeats that each unit has accepted.
    async fn beats(&self) -> Vec<u64> {
        let mut beats = Vec::new();
        for unit in self.hub.units() {
            let metrics = reqwest::get(format!("http://{}/metrics", unit.status)).await.unwrap();
            let metrics = metrics.text().await.unwrap();
            let name = "cluster_manager_heartbeats_total{outcome=\"accepted\"} ";
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            beats.push(line.map_or(0, |count| count.parse().unwrap()));
        }
        beats
    }
}

fn through_traefik(entrance: SocketAddr) -> Network {
    Network { connect_to: Some(entrance), source: Some(SITE), ..Network::default() }
}

/// Gets the status of a service by its name, through Traefik.
async fn status(domain: &str, entrance: SocketAddr) -> Option<agent::client::Response> {
    let (path, network) = ("/1.0/status".to_owned(), through_traefik(entrance));
    let address = Address::new(domain, entrance.port()).unwrap();
    call(CallOptions { path, network, ..CallOptions::new(address) }).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_passes_through_to_both_units_with_the_callers_address() {
    let fleet = Fleet::start(2, SITES, [traefik::HTTPS; 2]).await;
    fleet.route(ROUTES, SITES).await;
    let [entrance, _] = fleet.entrances;

    // One port, two names: each presents the certificate of its own service, which Traefik does not have.
    for (domain, service) in [(SITES, "connector"), ("localhost", "management")] {
        let shown = status(domain, entrance).await.unwrap().leaf;
        assert_eq!(protocol::Fingerprint::of_der(&shown), fleet.hub.leaf(service), "{domain}");
    }

    let site = fleet.enrol("a").await;
    assert_eq!(site.addresses[0].to_string(), format!("{SITES}:{}", entrance.port()));
    for _ in 0..4 {
        site.heartbeat(Report::default().encode()).await.unwrap();
        // A heartbeat is two connections; without a third one, all heartbeats would reach one unit.
        status(SITES, entrance).await.unwrap();
    }
    assert_eq!(fleet.beats().await, [2, 2], "both units took some");
    assert_eq!(fleet.hub.shown("a")["health"]["state"], "fresh");
    assert_eq!(fleet.audit_trail("cluster.joined").await, [SITE.to_string()]);

    let mut browser = Browser::calling_from(PERSON, entrance);
    let page = browser.sign_in("admin", "/ui/clusters").await;
    assert_eq!(page.url, browser.hub("/ui/clusters"));
    for _ in 0..4 {
        assert_eq!(browser.who_am_i().await.unwrap()["name"], "Ada Admin", "whichever unit is asked");
    }
    assert_eq!(fleet.audit_trail("sign-in.succeeded").await, [PERSON.to_string()]);
    assert!(fleet.provider.calls("/token").await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_that_call_an_address_use_their_own_entry_point() {
    let entry_points: Value = serde_yaml::from_str(ENTRY_POINT).unwrap();
    let (name, _) = entry_points["entryPoints"].as_object().unwrap().iter().next().unwrap();
    let fleet = Fleet::start(1, "127.0.0.1", [traefik::HTTPS, name]).await;
    fleet.route(BY_ADDRESS, "127.0.0.1").await;
    let site = fleet.enrol("a").await;
    site.heartbeat(Report::default().encode()).await.unwrap();
    assert_eq!(fleet.audit_trail("cluster.joined").await, [SITE.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn traefik_refuses_routes_with_an_unknown_key() {
    let mut traefik = Traefik::start(&BTreeMap::from([(traefik::HTTPS, free_port())])).await;
    let mut routes: Value = serde_yaml::from_str(ROUTES).unwrap();
    for router in routes["tcp"]["routers"].as_object_mut().unwrap().values_mut() {
        router["tls"] = json!({"passThru": true});
    }
    let said = traefik.refuse(&routes).await;
    assert!(said.contains("field not found, node: passThru"), "so what it takes, it understands: {said}");
}
