//! Places without sockets, in paused time.

use super::*;

const LIMITS: PlacesLimits = PlacesLimits {
    all: 40,
    network: 10,
    client: 3,
    unread: UnreadLimits { connection: 1 << 20, group: 1 << 20 },
};

fn places(limits: PlacesLimits) -> Arc<Places> {
    Arc::new(Places::new(limits, Gauge::default()))
}

/// The address with this number, each in a network of its own.
fn address(number: u8) -> IpAddr {
    IpAddr::from([192, 0, number, 1])
}

fn enter(places: &Arc<Places>, number: u8) -> Result<(Occupied, bool), Refused> {
    places.enter(address(number), &Arc::default(), false)
}

fn fill(places: &Arc<Places>, number: u8) -> Vec<Occupied> {
    std::iter::from_fn(|| enter(places, number).ok().map(|(place, _)| place)).collect()
}

fn clients(places: &Arc<Places>, number: u8, keys: std::ops::Range<u64>) -> Vec<Occupied> {
    let entered = keys.map(|key| {
        let (place, _) = enter(places, number).unwrap();
        assert!(place.0.authenticated_as(ClientKey(key)));
        place
    });
    entered.collect()
}

#[tokio::test(start_paused = true)]
async fn network_at_its_limit_does_not_stop_another() {
    let places = places(LIMITS);
    let held = fill(&places, 1);
    assert_eq!((held.len(), enter(&places, 1).unwrap_err()), (10, Refused::Network));
    assert!(enter(&places, 2).is_ok());
    drop(held);
    assert!(enter(&places, 1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn fleet_behind_one_address_is_not_limited() {
    let places = places(PlacesLimits { all: 16_384, ..LIMITS });
    let fleet = clients(&places, 1, 0..5000);
    drop(fleet);
    assert_eq!(fill(&places, 1).len(), 10 + 2 * 5000, "all of them can come back at once");
}

#[tokio::test(start_paused = true)]
async fn last_places_are_kept_for_networks_with_clients_of_late() {
    let places = places(LIMITS);
    drop(clients(&places, 9, 0..5));
    let held: Vec<_> = (1..=4).flat_map(|number| fill(&places, number)).collect();
    assert_eq!(held.len(), 30);
    assert_eq!(enter(&places, 5).unwrap_err(), Refused::Reserved);
    assert!(enter(&places, 9).is_ok());
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(enter(&places, 9).unwrap_err(), Refused::Reserved);
}

#[tokio::test(start_paused = true)]
async fn short_memory_lets_known_networks_in_only() {
    let places = places(LIMITS);
    drop(clients(&places, 9, 0..1));
    let enter = |number| places.enter(address(number), &Arc::default(), true).map(|_| ());
    assert_eq!((enter(1), enter(9)), (Err(Refused::Reserved), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn idle_connection_gives_way_to_a_newcomer_of_its_network() {
    let places = places(LIMITS);
    let held = fill(&places, 1);
    tokio::time::advance(Duration::from_secs(3)).await;
    let (_newcomer, gave_way) = enter(&places, 1).unwrap();
    assert!(gave_way && held[0].0.cut.is_cancelled() && !held[1].0.cut.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn authenticated_connection_never_gives_way() {
    let places = places(LIMITS);
    let known = clients(&places, 1, 0..3);
    let mut all = fill(&places, 1);
    tokio::time::advance(Duration::from_mins(1)).await;
    for _ in 0..100 {
        all.push(enter(&places, 1).map(|(place, _)| place).unwrap());
        tokio::time::advance(Duration::from_secs(2)).await;
        all.retain(|place| !place.0.cut.is_cancelled());
    }
    assert!(known.iter().all(|place| !place.0.cut.is_cancelled()));
}

#[tokio::test(start_paused = true)]
async fn client_has_a_limit_of_its_own() {
    let places = places(LIMITS);
    let one = ClientKey(1);
    let entered: Vec<_> = (0..4).map(|_| enter(&places, 1).unwrap().0).collect();
    let accepted: Vec<_> = entered.iter().map(|place| place.0.authenticated_as(one)).collect();
    assert_eq!(accepted, [true, true, true, false]);
    assert!(entered[0].0.authenticated_as(one), "a further request of the same connection");
    assert!(entered[0].0.authenticated_as(ClientKey(2)), "a balancer sends for others on it");
    drop(entered);
    assert!(places.lock().clients.is_empty());
}

#[tokio::test(start_paused = true)]
async fn networks_are_forgotten() {
    let places = places(LIMITS);
    for number in 0..100 {
        drop(enter(&places, number));
    }
    assert!(places.lock().networks.is_empty());
    drop(clients(&places, 1, 0..1));
    assert_eq!(places.lock().networks.len(), 1);
    tokio::time::advance(Duration::from_hours(1)).await;
    let _other = enter(&places, 2);
    assert_eq!(places.lock().networks.len(), 1);
}
