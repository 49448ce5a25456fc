"""The status, word for word: what is missing, and what to run."""

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
            {"connector-certificate": "nailed"},
            "option connector-certificate must be pinned, imported or integrated",
        ),
        ({"oidc-issuer": "http://login.example.com"}, f'option oidc-issuer {ISSUER}, not "http://login.example.com"'),
        (
            {"oidc-client-id": ""},
            f"nobody to sign in with: set oidc-issuer and oidc-client-id, or juju integrate {APP}:oauth hydra",
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
def test_a_wrong_option_blocks_and_says_what_it_must_be(options, text):
    assert status_with(config=OPTIONS | options) == BlockedStatus(text)


def test_a_wrong_option_does_not_stop_what_runs():
    ctx = context()
    before = dataclasses.replace(ready(ctx), config=OPTIONS | {"cluster-connector-domain": ""})
    after = ctx.run(ctx.on.config_changed(), before)
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}


def test_no_database_blocks_and_stops_the_services():
    ctx = context()
    before = ready(ctx)
    broken = ctx.run(ctx.on.relation_broken(before.get_relation(2)), before)
    assert broken.unit_status == BlockedStatus(f"no database: juju integrate {APP}:database postgresql-k8s")
    assert set(services(broken).values()) == {pebble.ServiceStatus.INACTIVE}
    back = with_relations(without_relation(broken, 2), database())
    back = ctx.run(ctx.on.relation_changed(back.get_relation(2)), back)
    assert back.unit_status == ActiveStatus("")
    assert set(services(back).values()) == {pebble.ServiceStatus.ACTIVE}


def test_a_database_that_was_not_given_yet_is_waited_for():
    ctx = context()
    before = with_relations(ready(ctx), testing.Relation("database", id=2, remote_app_name="postgresql-k8s"))
    after = ctx.run(ctx.on.relation_changed(before.get_relation(2)), before)
    assert after.unit_status == WaitingStatus("waiting for postgresql-k8s to give a database")
    # What the provider takes back for a moment must not stop what runs.
    assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}


def test_nobody_to_issue_a_certificate_blocks():
    ctx = context()
    after = ctx.run(ctx.on.config_changed(), without_relation(state(), 3))
    text = f"nobody to issue a certificate: juju integrate {APP}:certificates self-signed-certificates"
    assert after.unit_status == BlockedStatus(text)


def test_the_container_and_the_peers_are_waited_for():
    ctx = context()
    gone = with_container(ready(ctx), testing.Container("cluster-manager", can_connect=False))
    assert ctx.run(ctx.on.config_changed(), gone).unit_status == WaitingStatus("waiting for the container")
    alone = state(relations=set(), config={})
    after = ctx.run(ctx.on.start(), alone)
    text = f"set management-api-domain: juju config {APP} management-api-domain=HOST"
    assert after.unit_status == BlockedStatus(text)


def test_an_ingress_with_a_path_blocks_and_says_what_to_do():
    leads = '{"url": "https://example.com/fleet-cm"}'
    ingress = testing.Relation("ingress", id=20, remote_app_name="traefik", remote_app_data={"ingress": leads})
    ctx = context()
    before = with_relations(ready(ctx), ingress)
    after = ctx.run(ctx.on.relation_changed(ingress), before)
    assert after.unit_status == BlockedStatus(
        "ingress leads to a path, /fleet-cm, which the web UI cannot be under: juju config traefik routing_mode=subdomain"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"cluster-connector-domain": "203.0.113.7"},
            "203.0.113.7 behind Traefik needs a port of its own, not 443: set cluster-connector-port, for example to 30000",
        ),
        (
            {"cluster-connector-domain": "manager.example.com"},
            "management-api-domain and cluster-connector-domain lead to the same place: Traefik cannot tell them apart",
        ),
    ],
)
def test_what_traefik_cannot_do_blocks(options, text):
    ctx = context()
    before = with_relations(ready(ctx), relation("traefik-route", "complete"))
    before = dataclasses.replace(before, config=OPTIONS | options)
    assert ctx.run(ctx.on.config_changed(), before).unit_status == BlockedStatus(text)


def test_a_database_that_does_not_answer_is_waited_for():
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
    there = dataclasses.replace(next(iter(before.containers)), check_infos=frozenset(checks))
    after = ctx.run(ctx.on.update_status(), with_container(before, there))
    assert after.unit_status == WaitingStatus("waiting for the database to answer")


def test_an_oauth_provider_that_has_not_answered_is_waited_for():
    ctx = context()
    before = with_relations(ready(ctx), relation("oauth", "half"))
    after = ctx.run(ctx.on.relation_changed(before.get_relation(20)), before)
    assert after.unit_status == WaitingStatus("waiting for other to register us for sign-in")


def test_a_workload_that_does_not_start_blocks_with_its_last_words(monkeypatch):
    words = "2026-11-20T20:00:00Z [management-api] OIDC_ISSUER must be an https URL"
    task = pebble.Task(pebble.TaskID("1"), "start", "", "Error", [words], pebble.TaskProgress("", 0, 0), None, None)
    change = pebble.Change(pebble.ChangeID("1"), "replan", "", "Error", [task], True, "it exited", None, None)

    def refuse(*_, **__):
        raise pebble.ChangeError("it exited", change)

    monkeypatch.setattr("ops.Container.replan", refuse)
    ctx = context()
    after = ready(ctx, secrets=set(state().secrets) | SECRETS, containers={container()})
    assert after.unit_status == BlockedStatus(f"the workload does not start: {words}")
