"""A leader that gets all it needs, one thing after the other."""

from deployment import APP, DOMAIN, context, environment, file, issue, kept, ready, services, state, written
from ops import ActiveStatus, WaitingStatus, pebble


def test_a_leader_with_all_it_needs_runs_both_services():
    ctx = context()
    after = ready(ctx)
    assert after.unit_status == ActiveStatus("")
    assert services(after) == {
        "management-api": pebble.ServiceStatus.ACTIVE,
        "cluster-connector": pebble.ServiceStatus.ACTIVE,
    }
    assert after.workload_version == "0.1.0"
    assert {port.port for port in after.opened_ports} == {9000, 30000}
    told = environment(after, "cluster-connector")
    assert told["CLUSTER_CONNECTOR_DOMAIN"] == DOMAIN
    assert told["DB_HOST"] == "postgresql-k8s-primary.fleet.svc.cluster.local"
    assert "DB_PASSWORD" not in told
    password = file(ctx, after, told["DB_PASSWORD_FILE"])
    assert password.read_text() == "the database's password\n"
    assert password.stat().st_mode & 0o777 == 0o600
    leaf = file(ctx, after, "/var/lib/cluster-manager/connector/tls.crt").read_text()
    assert leaf == kept(after, "connector-certificate")["certificate"]
    assert file(ctx, after, "/var/lib/cluster-manager/management/tls.crt").read_text().count("BEGIN CERTIFICATE") == 2


def test_a_second_event_of_the_same_kind_writes_nothing():
    ctx = context()
    once = ready(ctx)
    twice = ctx.run(ctx.on.update_status(), once)
    assert written(twice) == written(once)


def test_a_leader_waits_for_the_certificate_in_words():
    ctx = context()
    after = ctx.run(ctx.on.config_changed(), state())
    assert after.unit_status == WaitingStatus("waiting for self-signed-certificates to issue a certificate")
    assert services(after) == {}


def test_what_is_kept_is_made_once():
    ctx = context()
    once = issue(ctx, state())
    twice = ctx.run(ctx.on.config_changed(), once)
    for label in ("encryption-keys", "connector-certificate"):
        first = {key: value for key, value in kept(once, label).items() if key != "served"}
        second = {key: value for key, value in kept(twice, label).items() if key != "served"}
        assert first == second
    assert len(kept(twice, "encryption-keys")["keys"]) == 64
    assert APP in {secret.owner and APP for secret in twice.secrets}
