"""A leader on its way to a complete deployment."""

from deployment import APP, DOMAIN, context, environment, file, issue, ready, services, state, stored, written
from ops import ActiveStatus, WaitingStatus, pebble


def test_complete_deployment_runs_both_services():
    ctx = context()
    after = ready(ctx)
    assert after.unit_status == ActiveStatus("")
    assert services(after) == {
        "management-api": pebble.ServiceStatus.ACTIVE,
        "cluster-connector": pebble.ServiceStatus.ACTIVE,
    }
    assert after.workload_version == "0.1.0"
    assert {port.port for port in after.opened_ports} == {9000, 30000}
    variables = environment(after, "cluster-connector")
    assert variables["CLUSTER_CONNECTOR_DOMAIN"] == DOMAIN
    assert variables["DB_HOST"] == "postgresql-k8s-primary.fleet.svc.cluster.local"
    assert "DB_PASSWORD" not in variables
    password = file(ctx, after, variables["DB_PASSWORD_FILE"])
    assert password.read_text() == "the database's password\n"
    assert password.stat().st_mode & 0o777 == 0o600
    leaf = file(ctx, after, "/var/lib/cluster-manager/connector/tls.crt").read_text()
    assert leaf == stored(after, "connector-certificate")["certificate"]
    assert file(ctx, after, "/var/lib/cluster-manager/management/tls.crt").read_text().count("BEGIN CERTIFICATE") == 2


def test_repeated_event_writes_nothing():
    ctx = context()
    once = ready(ctx)
    twice = ctx.run(ctx.on.update_status(), once)
    assert written(twice) == written(once)


def test_leader_waits_for_the_certificate():
    ctx = context()
    after = ctx.run(ctx.on.config_changed(), state())
    assert after.unit_status == WaitingStatus("waiting for self-signed-certificates to issue a certificate")
    assert services(after) == {}


def test_secrets_are_generated_once():
    ctx = context()
    once = issue(ctx, state())
    twice = ctx.run(ctx.on.config_changed(), once)
    for label in ("encryption-keys", "connector-certificate"):
        first = {key: value for key, value in stored(once, label).items() if key != "served"}
        second = {key: value for key, value in stored(twice, label).items() if key != "served"}
        assert first == second
    assert len(stored(twice, "encryption-keys")["keys"]) == 64
    assert APP in {secret.owner and APP for secret in twice.secrets}
