"""The exact texts of the status: what is missing, and which command to run."""

import dataclasses

import pytest
from bags import SECRETS, relation
from deployment import (
    OPTIONS,
    container,
    context,
    database,
    ready,
    services,
    state,
    with_container,
    with_relations,
    without_relation,
)
from ops import ActiveStatus, BlockedStatus, WaitingStatus, pebble, testing

APP = "cluster-manager-k8s"
ISSUER = "must be an https URL without query or fragment; http on loopback only"


def status_with(**changes):
    ctx = context()
    before = dataclasses.replace(ready(ctx), **changes)
    return ctx.run(ctx.on.config_changed(), before).unit_status


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"management-api-domain": ""}, f"set management-api-domain: juju config {APP} management-api-domain=HOST"),
        (
            {"cluster-connector-domain": " "},
            f"set cluster-connector-domain: juju config {APP} cluster-connector-domain=HOST",
        ),
        (
            {"cluster-connector-domain": "not a host"},
            'option cluster-connector-domain must be a host name or an IP address, not "not a host"',
        ),
        (
            {"cluster-connector-port": 70000},
            'option cluster-connector-port must be a port from 1 to 65535, not "70000"',
        ),
        (
            {"connector-certificate": "unknown"},
            "option connector-certificate must be pinned, imported or integrated",
        ),
        ({"oidc-issuer": "http://login.example.com"}, f'option oidc-issuer {ISSUER}, not "http://login.example.com"'),
        (
            {"oidc-client-id": ""},
            f"no identity provider: set oidc-issuer and oidc-client-id, or juju integrate {APP}:oauth hydra",
        ),
        (
            {"rate-limit-bucket-size": 0},
            'option rate-limit-bucket-size must be a number from 1 to 1000000, not "0"',
        ),
        (
            {"log-level": "info,access=loud"},
            "option log-level must be error, warn, info, debug, trace, or a filter such as info,access=warn, not"
            ' "info,access=loud"',
        ),
        (
            {"role-mapping": "admins"},
            "option role-mapping must be GROUP=ROLE, separated by commas; a role is admin, operator or viewer, not"
            ' "admins"',
        ),
        (
            {"trusted-proxies": "everybody"},
            'option trusted-proxies must be networks such as 10.0.0.0/8, separated by commas, not "everybody"',
        ),
    ],
)
def test_invalid_option_blocks_with_its_valid_form(options, text):
    assert status_with(config=OPTIONS | options) == BlockedStatus(text)


def test_invalid_option_does_not_stop_the_services():
    ctx = context()
    before = dataclasses.replace(ready(ctx), config=OPTIONS | {"cluster-connector-domain": ""})
    after = ctx.run(ctx.on.config_changed(), before)
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}


def test_missing_database_blocks_and_stops_the_services():
    ctx = context()
    before = ready(ctx)
    broken = ctx.run(ctx.on.relation_broken(before.get_relation(2)), before)
    assert broken.unit_status == BlockedStatus(f"no database: juju integrate {APP}:database postgresql-k8s")
    assert set(services(broken).values()) == {pebble.ServiceStatus.INACTIVE}
    back = with_relations(without_relation(broken, 2), database())
    back = ctx.run(ctx.on.relation_changed(back.get_relation(2)), back)
    assert back.unit_status == ActiveStatus("")
    assert set(services(back).values()) == {pebble.ServiceStatus.ACTIVE}


def test_incomplete_database_relation_is_waiting():
    ctx = context()
    before = with_relations(ready(ctx), testing.Relation("database", id=2, remote_app_name="postgresql-k8s"))
    after = ctx.run(ctx.on.relation_changed(before.get_relation(2)), before)
    assert after.unit_status == WaitingStatus("waiting for postgresql-k8s to provide a database")
    # Data that is missing for a moment must not stop the services.
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}


def test_missing_certificate_provider_blocks():
    ctx = context()
    after = ctx.run(ctx.on.config_changed(), without_relation(state(), 3))
    text = f"no certificate provider: juju integrate {APP}:certificates self-signed-certificates"
    assert after.unit_status == BlockedStatus(text)


def test_missing_container_is_waiting():
    ctx = context()
    gone = with_container(ready(ctx), testing.Container("cluster-manager", can_connect=False))
    assert ctx.run(ctx.on.config_changed(), gone).unit_status == WaitingStatus("waiting for the container")
    alone = state(relations=set(), config={})
    after = ctx.run(ctx.on.start(), alone)
    text = f"set management-api-domain: juju config {APP} management-api-domain=HOST"
    assert after.unit_status == BlockedStatus(text)


def test_ingress_with_a_path_blocks_with_the_command():
    data = '{"url": "https://example.com/fleet-cm"}'
    ingress = testing.Relation("ingress", id=20, remote_app_name="traefik", remote_app_data={"ingress": data})
    ctx = context()
    before = with_relations(ready(ctx), ingress)
    after = ctx.run(ctx.on.relation_changed(ingress), before)
    assert after.unit_status == BlockedStatus(
        "the web UI cannot run under the ingress path /fleet-cm: juju config traefik routing_mode=subdomain"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"cluster-connector-domain": "203.0.113.7"},
            "behind Traefik, 203.0.113.7 needs a port other than 443: set cluster-connector-port, for example to 30000",
        ),
        (
            {"cluster-connector-domain": "manager.example.com"},
            "behind Traefik, management-api-domain and cluster-connector-domain need different names or ports",
        ),
    ],
)
def test_unsupported_traefik_route_blocks(options, text):
    ctx = context()
    before = with_relations(ready(ctx), relation("traefik-route", "complete"))
    before = dataclasses.replace(before, config=OPTIONS | options)
    assert ctx.run(ctx.on.config_changed(), before).unit_status == BlockedStatus(text)


def test_database_that_does_not_respond_is_waiting():
    ctx = context()
    before = ready(ctx)
    checks = {
        testing.CheckInfo(f"{service}-{level}", status=status, level=at)
        for service in ("management-api", "cluster-connector")
        for level, at, status in (
            ("alive", pebble.CheckLevel.ALIVE, pebble.CheckStatus.UP),
            ("ready", pebble.CheckLevel.READY, pebble.CheckStatus.DOWN),
        )
    }
    present = dataclasses.replace(next(iter(before.containers)), check_infos=frozenset(checks))
    after = ctx.run(ctx.on.update_status(), with_container(before, present))
    assert after.unit_status == WaitingStatus("waiting for the database to respond")


def test_incomplete_oauth_relation_is_waiting():
    ctx = context()
    before = with_relations(ready(ctx), relation("oauth", "half"))
    after = ctx.run(ctx.on.relation_changed(before.get_relation(20)), before)
    assert after.unit_status == WaitingStatus("waiting for other to register this application for sign-in")


def test_workload_that_does_not_start_blocks_with_its_last_log_line(monkeypatch):
    line = "2026-11-20T20:00:00Z [management-api] OIDC_ISSUER must be an https URL"
    task = pebble.Task(pebble.TaskID("1"), "start", "", "Error", [line], pebble.TaskProgress("", 0, 0), None, None)
    change = pebble.Change(pebble.ChangeID("1"), "replan", "", "Error", [task], True, "it exited", None, None)

    def refuse(*_, **__):
        raise pebble.ChangeError("it exited", change)

    monkeypatch.setattr("ops.Container.replan", refuse)
    ctx = context()
    after = ready(ctx, secrets=set(state().secrets) | SECRETS, containers={container()})
    assert after.unit_status == BlockedStatus(f"cannot start the workload: {line}")
