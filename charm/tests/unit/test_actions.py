"""The actions: what is run in the container, and what a person is told."""

import dataclasses
import json

import pytest
from deployment import (
    DOMAIN,
    OPTIONS,
    PROGRAM,
    container,
    context,
    environment,
    file,
    kept,
    ready,
    state,
    with_container,
)
from ops import BlockedStatus, testing

TOKEN = {"cluster_name": "berlin", "token": "dG9rZW4=", "command": "microcloud cluster-manager join dG9rZW4="}
CREATE = [PROGRAM, "token", "create", "--output=json"]


def acting(*execs: testing.Exec, sites: int = 0, **changes):
    """A settled leader whose workload answers so."""
    ctx = context()
    before = dataclasses.replace(ready(ctx), **changes)
    there = next(iter(before.containers))
    answers = container(sites, *execs).execs
    return ctx, with_container(before, dataclasses.replace(there, execs=answers))


@pytest.mark.parametrize("action", ["create-token", "enroll-cluster"])
@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
def test_any_unit_makes_a_token(action, leads):
    answer = json.dumps(TOKEN | {"expires_at": "2030-01-31T12:00:00Z"})
    command = [*CREATE, "--description=racks 1 to 4", "--expire=7d", "--", "berlin"]
    ctx, before = acting(testing.Exec(command, stdout=answer), leader=leads)
    params = {"cluster": "berlin", "description": "racks 1 to 4", "expiry": "7d"}
    ctx.run(ctx.on.action(action, params=params), before)
    assert ctx.action_results == {
        "token": "dG9rZW4=",
        "command": "microcloud cluster-manager join dG9rZW4=",
        "expires-at": "2030-01-31T12:00:00Z",
    }
    (ran,) = [of for of in ctx.exec_history["cluster-manager"] if "token" in of.command]
    assert ran.environment["DB_PASSWORD_FILE"] and "DB_PASSWORD" not in ran.environment


def test_a_name_with_a_dash_is_a_name():
    answer = json.dumps(TOKEN | {"expires_at": "2030-01-31T12:00:00Z"})
    ctx, before = acting(testing.Exec([*CREATE, "--", "--help"], stdout=answer))
    ctx.run(ctx.on.action("create-token", params={"cluster": "--help"}), before)
    assert ctx.action_results["token"] == "dG9rZW4="


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (4, 'error: there is a cluster named "berlin"\n', 'there is a cluster named "berlin"'),
        (5, "error: connection refused\n", "the database does not answer: connection refused"),
        (1, "", "it did not say why"),
    ],
)
def test_an_action_fails_in_the_workloads_words(code, error, words):
    ctx, before = acting(testing.Exec(CREATE, return_code=code, stderr=error))
    with pytest.raises(testing.ActionFailed, match="^" + words + "$"):
        ctx.run(ctx.on.action("create-token", params={"cluster": "berlin"}), before)


def test_an_action_says_why_the_workload_does_not_run():
    ctx = context()
    with pytest.raises(testing.ActionFailed) as failed:
        ctx.run(ctx.on.action("create-token", params={"cluster": "berlin"}), state(relations=set()))
    assert failed.value.message.startswith("the workload does not run here: no database: juju integrate")


def test_clusters_are_listed_up_to_a_limit():
    ctx, before = acting(sites=3)
    ctx.run(ctx.on.action("list-clusters", params={"limit": 2}), before)
    assert ctx.action_results["count"] == "3"
    assert [of["name"] for of in json.loads(ctx.action_results["clusters"])] == ["c0", "c1"]


def test_a_token_is_taken_back():
    ctx, before = acting(testing.Exec([PROGRAM, "token", "revoke", "--", "berlin"]))
    ctx.run(ctx.on.action("revoke-token", params={"cluster": "berlin"}), before)
    assert ctx.action_results == {"revoked": "berlin"}


def test_a_rotation_says_first_what_it_will_do_and_then_does_just_that():
    ctx, before = acting(sites=12)
    old = kept(before, "connector-certificate")["certificate"]
    told = ctx.run(ctx.on.action("rotate-connector-certificate"), before)
    trial = dict(ctx.action_results)
    assert trial["changed"] == "false" and trial["clusters"] == "12"
    assert trial["summary"].startswith("would cut off 12 clusters")
    assert trial["command-on-each-microcloud"].endswith(trial["fingerprint"])
    assert kept(told, "connector-certificate")["certificate"] == old

    # Time passes, other events come: none of them changes it.
    told = ctx.run(ctx.on.config_changed(), told)
    assert kept(told, "connector-certificate")["certificate"] == old

    done = ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), told)
    assert ctx.action_results["changed"] == "true"
    assert ctx.action_results["fingerprint"] == trial["fingerprint"]
    new = kept(done, "connector-certificate")["certificate"]
    assert new != old
    assert file(ctx, done, "/var/lib/cluster-manager/connector/tls.crt").read_text() == new
    assert environment(done, "cluster-connector")["CLUSTER_CONNECTOR_FINGERPRINT"] == trial["fingerprint"]


def test_a_follower_does_not_rotate():
    ctx, before = acting(leader=False)
    with pytest.raises(testing.ActionFailed, match="^this is not the leader: juju run cluster-manager-k8s/leader"):
        ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), before)


def test_a_domain_that_changes_under_enrolled_clusters_waits_for_the_action():
    moved = OPTIONS | {"cluster-connector-domain": "elsewhere.example.com"}
    ctx, before = acting(sites=12, config=moved)
    waiting = ctx.run(ctx.on.config_changed(), before)
    assert waiting.unit_status == BlockedStatus(
        "connector certificate: the change cuts off 12 clusters: "
        "juju run cluster-manager-k8s/leader rotate-connector-certificate"
    )
    assert environment(waiting, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == DOMAIN
    done = ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), waiting)
    assert environment(done, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == "elsewhere.example.com"
    assert done.unit_status == testing.ActiveStatus("")


def test_a_domain_that_changes_before_the_first_enrolment_takes_the_leaf_along():
    moved = OPTIONS | {"cluster-connector-domain": "elsewhere.example.com"}
    ctx, before = acting(sites=0, config=moved)
    after = ctx.run(ctx.on.config_changed(), before)
    assert environment(after, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == "elsewhere.example.com"
    assert kept(after, "connector-certificate") != kept(before, "connector-certificate")
    assert after.unit_status == testing.ActiveStatus("")
