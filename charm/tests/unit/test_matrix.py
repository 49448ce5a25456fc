"""Every event on the leader and on a follower, with each relation absent, incomplete, complete, malformed and broken.

No event leaves the charm in error, whatever other charms write, and a repeated event writes nothing.
"""

import dataclasses
import functools

import pytest
from bags import ENDPOINTS, SECRETS, relation
from deployment import container, context, ready, services, without_relation, written
from ops import pebble, testing

NUMBERS = {"database": 2, "certificates": 3}
PLAIN = (
    "install",
    "start",
    "config_changed",
    "leader_elected",
    "update_status",
    "upgrade_charm",
    "stop",
    "remove",
)


@functools.cache
def complete_state(leads: bool, but: str = "") -> testing.State:
    """A unit with a complete deployment except for one relation."""
    state = ready(context())
    if but in NUMBERS:
        state = without_relation(state, NUMBERS[but])
    return dataclasses.replace(state, leader=leads, secrets=set(state.secrets) | SECRETS)


def deploy(endpoint: str, fill: str, leads: bool) -> tuple[testing.State, testing.Relation]:
    state = complete_state(leads, but=endpoint)
    added = relation(endpoint, fill)
    return dataclasses.replace(state, relations=set(state.relations) | {added}), added


def assert_no_failure(state: testing.State):
    """The status may be anything except an unexpected failure."""
    assert "failed" not in state.unit_status.message, state.unit_status


@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
@pytest.mark.parametrize("fill", ["empty", "half", "nonsense", "complete"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_relation_events_never_fail(endpoint, fill, leads):
    before, added = deploy(endpoint, fill, leads)
    ctx = context()
    created = ctx.run(ctx.on.relation_created(added), before)
    assert_no_failure(created)
    joined = ctx.run(ctx.on.relation_joined(created.get_relation(20), remote_unit=0), created)
    changed = ctx.run(ctx.on.relation_changed(joined.get_relation(20), remote_unit=0), joined)
    assert_no_failure(changed)
    again = ctx.run(ctx.on.relation_changed(changed.get_relation(20), remote_unit=0), changed)
    assert written(again) == written(changed)
    departed = ctx.run(ctx.on.relation_departed(again.get_relation(20), remote_unit=0, departing_unit=0), again)
    broken = ctx.run(ctx.on.relation_broken(departed.get_relation(20)), departed)
    assert_no_failure(broken)
    after = ctx.run(ctx.on.update_status(), without_relation(broken, 20))
    assert_no_failure(after)
    if endpoint not in NUMBERS:
        assert set(services(after).values()) == {pebble.ServiceStatus.ACTIVE}, "optional relations never block"
        assert after.unit_status == testing.ActiveStatus("")


@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
@pytest.mark.parametrize("event", PLAIN)
@pytest.mark.parametrize("present", ["all", "nothing", "no container"])
def test_other_events_never_fail(event, present, leads):
    before = complete_state(leads)
    if present == "nothing":
        before = testing.State(leader=leads, planned_units=1, containers={container()})
    if present == "no container":
        before = dataclasses.replace(before, containers={testing.Container("cluster-manager", can_connect=False)})
    ctx = context()
    once = ctx.run(getattr(ctx.on, event)(), before)
    assert_no_failure(once)
    assert written(ctx.run(getattr(ctx.on, event)(), once)) == written(once)


@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
def test_all_relations_together_are_active(leads):
    before = complete_state(leads)
    added = {relation(of, "complete", 30 + number) for number, of in enumerate(ENDPOINTS) if of not in NUMBERS}
    before = dataclasses.replace(before, relations=set(before.relations) | added)
    ctx = context()
    once = ctx.run(ctx.on.config_changed(), before)
    assert once.unit_status == testing.ActiveStatus("")
    assert written(ctx.run(ctx.on.config_changed(), once)) == written(once)
