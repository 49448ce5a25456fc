"""What the operator or a provider changes: passwords, client secrets, certificates."""

import dataclasses
import json

from deployment import OPTIONS, context, environment, file, kept, ready
from ops import ActiveStatus, BlockedStatus, testing


def test_a_rotated_database_password_is_written_and_the_services_start_anew():
    ctx = context()
    before = ready(ctx)
    old = before.get_secret(id="secret:cv1database")
    rotated = dataclasses.replace(old, latest_content={"username": "us", "password": "another"})
    secrets = {of for of in before.secrets if of.id != old.id} | {rotated}
    after = ctx.run(ctx.on.secret_changed(rotated), dataclasses.replace(before, secrets=secrets))
    told = environment(after, "cluster-connector")
    assert file(ctx, after, told["DB_PASSWORD_FILE"]).read_text() == "another\n"
    # Pebble starts a service anew if its environment differs.
    assert told["CHARM_FILES"] != environment(before, "cluster-connector")["CHARM_FILES"]




def test_a_client_secret_in_a_secret_is_used_and_one_in_the_options_too_but_with_a_hint():
    ctx = context()
    granted = testing.Secret({"secret": "hush"}, id="secret:cv1oidc")
    before = ready(ctx)
    given = dataclasses.replace(
        before, config=OPTIONS | {"oidc-client-secret": granted.id}, secrets=set(before.secrets) | {granted}
    )
    after = ctx.run(ctx.on.config_changed(), given)
    path = environment(after, "management-api")["OIDC_CLIENT_SECRET_FILE"]
    assert file(ctx, after, path).read_text() == "hush\n"
    assert after.unit_status == ActiveStatus("")

    plain = dataclasses.replace(before, config=OPTIONS | {"oidc-client-secret": "hush"})
    after = ctx.run(ctx.on.config_changed(), plain)
    assert file(ctx, after, path).read_text() == "hush\n"
    text = "oidc-client-secret is readable in the options: better a secret, see juju add-secret"
    assert after.unit_status == ActiveStatus(text)


def test_a_secret_that_is_not_granted_blocks_with_the_command_that_grants_it():
    ctx = context()
    before = dataclasses.replace(ready(ctx), config=OPTIONS | {"oidc-client-secret": "secret:cv1nobodys"})
    after = ctx.run(ctx.on.config_changed(), before)
    text = "oidc-client-secret cannot be read: juju grant-secret secret:cv1nobodys cluster-manager-k8s"
    assert after.unit_status == BlockedStatus(text)


def test_a_renewed_management_certificate_is_written_without_a_restart_and_the_leaf_stays():
    from provider import sign

    ctx = context()
    before = ready(ctx)
    # The library asks for another one when the secret that stands for the certificate expires.
    secret = next(of for of in before.secrets if of.label and "-certificate-certificates-" in of.label)
    renewing = ctx.run(ctx.on.secret_expired(secret, revision=1), before)
    signed = sign(renewing)
    after = ctx.run(ctx.on.relation_changed(signed.get_relation(3)), signed)
    path = "/var/lib/cluster-manager/management/tls.crt"
    assert kept(after, "management-certificate") != kept(before, "management-certificate")
    assert file(ctx, after, path).read_text() == kept(after, "management-certificate")["certificate"]
    assert environment(after, "management-api") == environment(before, "management-api")
    assert kept(after, "connector-certificate") == kept(before, "connector-certificate")


def test_a_provider_that_leaves_leaves_its_certificate_in_use_and_the_status_says_so():
    ctx = context()
    before = ready(ctx)
    broken = ctx.run(ctx.on.relation_broken(before.get_relation(3)), before)
    after = ctx.run(
        ctx.on.update_status(),
        dataclasses.replace(broken, relations={of for of in broken.relations if of.id != 3}),
    )
    text = "nobody to issue a certificate: juju integrate cluster-manager-k8s:certificates self-signed-certificates"
    assert after.unit_status == BlockedStatus(text)
    assert json.dumps(environment(after, "management-api")) == json.dumps(environment(before, "management-api"))
