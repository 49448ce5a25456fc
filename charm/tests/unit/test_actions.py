"""The actions: the commands in the container, and the results."""

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
    ready,
    state,
    stored,
    with_container,
)
from ops import BlockedStatus, testing

TOKEN = {"cluster_name": "berlin", "token": "dG9rZW4=", "command": "microcloud cluster-manager join dG9rZW4="}
CREATE = [PROGRAM, "token", "create", "--output=json"]


def acting(*execs: testing.Exec, clusters: int = 0, **changes):
    """A ready leader whose workload has these commands."""
    ctx = context()
    before = dataclasses.replace(ready(ctx), **changes)
    present = next(iter(before.containers))
    commands = container(clusters, *execs).execs
    return ctx, with_container(before, dataclasses.replace(present, execs=commands))


@pytest.mark.parametrize("action", ["create-token", "enroll-cluster"])
@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
def test_any_unit_creates_a_token(action, leads):
    output = json.dumps(TOKEN | {"expires_at": "2030-01-31T12:00:00Z"})
    command = [*CREATE, "--description=racks 1 to 4", "--expire=7d", "--", "berlin"]
    ctx, before = acting(testing.Exec(command, stdout=output), leader=leads)
    params = {"cluster": "berlin", "description": "racks 1 to 4", "expiry": "7d"}
    ctx.run(ctx.on.action(action, params=params), before)
    assert ctx.action_results == {
        "token": "dG9rZW4=",
        "command": "microcloud cluster-manager join dG9rZW4=",
        "expires-at": "2030-01-31T12:00:00Z",
    }
    (ran,) = [of for of in ctx.exec_history["cluster-manager"] if "token" in of.command]
    assert ran.environment["DB_PASSWORD_FILE"] and "DB_PASSWORD" not in ran.environment


def test_name_may_begin_with_a_hyphen():
    output = json.dumps(TOKEN | {"expires_at": "2030-01-31T12:00:00Z"})
    ctx, before = acting(testing.Exec([*CREATE, "--", "--help"], stdout=output))
    ctx.run(ctx.on.action("create-token", params={"cluster": "--help"}), before)
    assert ctx.action_results["token"] == "dG9rZW4="


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (4, 'error: there is a cluster named "berlin"\n', 'there is a cluster named "berlin"'),
        (5, "error: connection refused\n", "the database does not respond: connection refused"),
        (1, "", "the command failed without an error message"),
    ],
)
def test_failed_action_has_the_message_of_the_workload(code, error, message):
    ctx, before = acting(testing.Exec(CREATE, return_code=code, stderr=error))
    with pytest.raises(testing.ActionFailed, match="^" + message + "$"):
        ctx.run(ctx.on.action("create-token", params={"cluster": "berlin"}), before)


def test_action_fails_if_the_workload_is_not_running():
    ctx = context()
    with pytest.raises(testing.ActionFailed) as failed:
        ctx.run(ctx.on.action("create-token", params={"cluster": "berlin"}), state(relations=set()))
    assert failed.value.message.startswith("the workload is not running on this unit: no database: juju integrate")


def test_clusters_are_listed_up_to_a_limit():
    ctx, before = acting(clusters=3)
    ctx.run(ctx.on.action("list-clusters", params={"limit": 2}), before)
    assert ctx.action_results["count"] == "3"
    assert [of["name"] for of in json.loads(ctx.action_results["clusters"])] == ["c0", "c1"]


def test_token_is_revoked():
    ctx, before = acting(testing.Exec([PROGRAM, "token", "revoke", "--", "berlin"]))
    ctx.run(ctx.on.action("revoke-token", params={"cluster": "berlin"}), before)
    assert ctx.action_results == {"revoked": "berlin"}


def test_rotation_activates_what_the_dry_run_reported():
    ctx, before = acting(clusters=12)
    old = stored(before, "connector-certificate")["certificate"]
    after_dry_run = ctx.run(ctx.on.action("rotate-connector-certificate"), before)
    dry_run = dict(ctx.action_results)
    assert dry_run["changed"] == "false" and dry_run["clusters"] == "12"
    assert dry_run["summary"].startswith("would cut off 12 clusters")
    assert dry_run["command-on-each-microcloud"].endswith(dry_run["fingerprint"])
    assert stored(after_dry_run, "connector-certificate")["certificate"] == old

    # Other events do not change it.
    after_dry_run = ctx.run(ctx.on.config_changed(), after_dry_run)
    assert stored(after_dry_run, "connector-certificate")["certificate"] == old

    done = ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), after_dry_run)
    assert ctx.action_results["changed"] == "true"
    assert ctx.action_results["fingerprint"] == dry_run["fingerprint"]
    new = stored(done, "connector-certificate")["certificate"]
    assert new != old
    assert file(ctx, done, "/var/lib/cluster-manager/connector/tls.crt").read_text() == new
    assert environment(done, "cluster-connector")["CLUSTER_CONNECTOR_FINGERPRINT"] == dry_run["fingerprint"]


def test_follower_does_not_rotate():
    ctx, before = acting(leader=False)
    with pytest.raises(testing.ActionFailed, match="^this unit is not the leader: juju run cluster-manager-k8s/leader"):
        ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), before)


def test_domain_change_with_enrolled_clusters_needs_the_action():
    moved = OPTIONS | {"cluster-connector-domain": "elsewhere.example.com"}
    ctx, before = acting(clusters=12, config=moved)
    waiting = ctx.run(ctx.on.config_changed(), before)
    assert waiting.unit_status == BlockedStatus(
        "changing the connector certificate would cut off 12 clusters: "
        "juju run cluster-manager-k8s/leader rotate-connector-certificate"
    )
    assert environment(waiting, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == DOMAIN
    done = ctx.run(ctx.on.action("rotate-connector-certificate", params={"dry-run": False}), waiting)
    assert environment(done, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == "elsewhere.example.com"
    assert done.unit_status == testing.ActiveStatus("")


def test_domain_change_without_enrolled_clusters_replaces_the_leaf():
    moved = OPTIONS | {"cluster-connector-domain": "elsewhere.example.com"}
    ctx, before = acting(clusters=0, config=moved)
    after = ctx.run(ctx.on.config_changed(), before)
    assert environment(after, "cluster-connector")["CLUSTER_CONNECTOR_DOMAIN"] == "elsewhere.example.com"
    assert stored(after, "connector-certificate") != stored(before, "connector-certificate")
    assert after.unit_status == testing.ActiveStatus("")
