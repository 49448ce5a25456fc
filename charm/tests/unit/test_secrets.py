"""Changes by the operator or a provider: passwords, client secrets, certificates."""

import dataclasses
import json

from deployment import OPTIONS, context, environment, file, ready, stored
from ops import ActiveStatus, BlockedStatus, testing


def test_rotated_database_password_restarts_the_services():
    ctx = context()
    before = ready(ctx)
    old = before.get_secret(id="secret:cv1database")
    rotated = dataclasses.replace(old, latest_content={"username": "us", "password": "another"})
    secrets = {of for of in before.secrets if of.id != old.id} | {rotated}
    after = ctx.run(ctx.on.secret_changed(rotated), dataclasses.replace(before, secrets=secrets))
    variables = environment(after, "cluster-connector")
    assert file(ctx, after, variables["DB_PASSWORD_FILE"]).read_text() == "another\n"
    # Pebble restarts a service if its environment differs.
    assert variables["CHARM_FILES"] != environment(before, "cluster-connector")["CHARM_FILES"]



def test_client_secret_in_the_options_works_with_a_hint():
    ctx = context()
    granted = testing.Secret({"secret": "hush"}, id="secret:cv1oidc")
    before = ready(ctx)
    configured = dataclasses.replace(
        before, config=OPTIONS | {"oidc-client-secret": granted.id}, secrets=set(before.secrets) | {granted}
    )
    after = ctx.run(ctx.on.config_changed(), configured)
    path = environment(after, "management-api")["OIDC_CLIENT_SECRET_FILE"]
    assert file(ctx, after, path).read_text() == "hush\n"
    assert after.unit_status == ActiveStatus("")

    plain = dataclasses.replace(before, config=OPTIONS | {"oidc-client-secret": "hush"})
    after = ctx.run(ctx.on.config_changed(), plain)
    assert file(ctx, after, path).read_text() == "hush\n"
    text = "oidc-client-secret is visible in the options: use a Juju secret instead, see juju add-secret"
    assert after.unit_status == ActiveStatus(text)


def test_missing_grant_of_a_secret_blocks_with_the_command():
    ctx = context()
    before = dataclasses.replace(ready(ctx), config=OPTIONS | {"oidc-client-secret": "secret:cv1notgranted"})
    after = ctx.run(ctx.on.config_changed(), before)
    text = "cannot read oidc-client-secret: juju grant-secret secret:cv1notgranted cluster-manager-k8s"
    assert after.unit_status == BlockedStatus(text)


def test_renewed_management_certificate_needs_no_restart():
    from provider import sign

    ctx = context()
    before = ready(ctx)
    # The library requests a new certificate when the secret of the old one expires.
    secret = next(of for of in before.secrets if of.label and "-certificate-certificates-" in of.label)
    renewing = ctx.run(ctx.on.secret_expired(secret, revision=1), before)
    signed = sign(renewing)
    after = ctx.run(ctx.on.relation_changed(signed.get_relation(3)), signed)
    path = "/var/lib/cluster-manager/management/tls.crt"
    assert stored(after, "management-certificate") != stored(before, "management-certificate")
    assert file(ctx, after, path).read_text() == stored(after, "management-certificate")["certificate"]
    assert environment(after, "management-api") == environment(before, "management-api")
    assert stored(after, "connector-certificate") == stored(before, "connector-certificate")


def test_certificate_of_a_removed_provider_stays_in_use_and_blocks():
    ctx = context()
    before = ready(ctx)
    broken = ctx.run(ctx.on.relation_broken(before.get_relation(3)), before)
    after = ctx.run(
        ctx.on.update_status(),
        dataclasses.replace(broken, relations={of for of in broken.relations if of.id != 3}),
    )
    text = "no certificate provider: juju integrate cluster-manager-k8s:certificates self-signed-certificates"
    assert after.unit_status == BlockedStatus(text)
    assert json.dumps(environment(after, "management-api")) == json.dumps(environment(before, "management-api"))
