"""Several units: a shared leaf certificate, followers, scaling, a new leader, an upgrade."""

import dataclasses

import yaml
from deployment import context, environment, file, ready, services, stored, written
from ops import ActiveStatus, WaitingStatus, pebble, testing


def follower_of(leader: testing.State, number: int = 1) -> testing.State:
    """A new unit beside a ready leader."""
    container = next(iter(leader.containers))
    fresh = testing.Container("cluster-manager", can_connect=True, execs=container.execs)
    relations = {
        dataclasses.replace(of, local_unit_data={}, local_app_data=dict(of.local_app_data)) for of in leader.relations
    }
    return dataclasses.replace(
        leader, leader=False, containers={fresh}, relations=relations, planned_units=number + 1, opened_ports=set()
    )


def test_all_units_serve_the_same_certificates():
    ctx = context()
    leader = ready(ctx)
    after = ctx.run(ctx.on.config_changed(), follower_of(leader))
    assert after.unit_status == ActiveStatus("")
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}
    for name in ("connector/tls.crt", "connector/tls.key", "management/tls.crt", "encryption-keys"):
        path = f"/var/lib/cluster-manager/{name}"
        assert file(ctx, after, path).read_text() == file(ctx, leader, path).read_text()
    assert environment(after, "cluster-connector") == environment(leader, "cluster-connector")


def test_follower_waits_for_the_secrets_of_the_leader():
    ctx = context()
    state = follower_of(ready(ctx))
    peers = testing.PeerRelation("cluster-manager-peers", id=1)
    state = dataclasses.replace(state, relations={peers} | {of for of in state.relations if of.id != 1})
    after = ctx.run(ctx.on.config_changed(), state)
    assert after.unit_status == WaitingStatus("waiting for self-signed-certificates to issue a certificate")
    assert services(after) == {}


def servers(state: testing.State) -> list[str]:
    route = yaml.safe_load(state.get_relation(20).local_app_data["config"])
    (connector,) = (of for name, of in route["tcp"]["services"].items() if name.endswith("cluster-connector"))
    return [server["address"].split(".")[0] for server in connector["loadBalancer"]["servers"]]


def test_scaling_up_and_down_updates_the_servers():
    ctx = context()
    state = ready(ctx)
    traefik = testing.Relation("traefik-route", id=20, remote_units_data={0: {"ingress-address": "10.1.4.30"}})
    state = dataclasses.replace(state, relations=set(state.relations) | {traefik})

    def scaled(before: testing.State, units: int) -> testing.State:
        peers = dataclasses.replace(before.get_relation(1), peers_data={number: {} for number in range(1, max(units, 2))})
        relations = {of for of in before.relations if of.id != 1} | {peers}
        changed = dataclasses.replace(before, relations=relations, planned_units=units)
        return ctx.run(ctx.on.relation_changed(peers, remote_unit=max(units - 1, 1)), changed)

    one = scaled(state, 1)
    assert servers(one) == ["cluster-manager-k8s-0"]
    three = scaled(one, 3)
    assert servers(three) == [f"cluster-manager-k8s-{number}" for number in range(3)]
    assert stored(three, "connector-certificate") == stored(one, "connector-certificate")
    again = scaled(three, 1)
    assert servers(again) == ["cluster-manager-k8s-0"]
    assert again.unit_status == ActiveStatus("")


def test_leader_being_removed_changes_nothing_shared():
    ctx = context()
    state = dataclasses.replace(ready(ctx), planned_units=0)
    after = ctx.run(ctx.on.relation_broken(state.get_relation(3)), state)
    before, after = written(state), written(after)
    assert after[1] == before[1] and after[2] == before[2]


def test_new_leader_keeps_the_stored_secrets():
    ctx = context()
    leader = ready(ctx)
    second = ctx.run(ctx.on.config_changed(), follower_of(leader))
    elected = ctx.run(ctx.on.leader_elected(), dataclasses.replace(second, leader=True))
    for label in ("connector-certificate", "encryption-keys", "management-certificate"):
        assert stored(elected, label) == stored(leader, label)
    assert elected.unit_status == ActiveStatus("")


def test_restarted_container_gets_its_files_and_services_again():
    ctx = context()
    before = ready(ctx)
    execs = next(iter(before.containers)).execs
    empty = testing.Container("cluster-manager", can_connect=True, execs=execs)
    after = ctx.run(ctx.on.pebble_ready(empty), dataclasses.replace(before, containers={empty}))
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}
    assert file(ctx, after, "/var/lib/cluster-manager/connector/tls.key").exists()


def test_upgraded_charm_changes_nothing():
    ctx = context()
    before = ready(ctx)
    after = ctx.run(ctx.on.upgrade_charm(), before)
    assert written(after) == written(before)
