"""Tests with the libraries of the real providers, if PyPI has them."""

import dataclasses
import json

import ops
import pytest
from bags import CA
from charmlibs.interfaces.certificate_transfer import CertificateTransferProvides
from charmlibs.interfaces.oauth import OAuthProvider
from charmlibs.interfaces.tracing import TracingEndpointProvider
from deployment import context, environment, file, ready, with_relations
from ops import testing


class CertificateTransfer(ops.CharmBase):
    """Sends its CA to every requirer."""

    def __init__(self, framework):
        super().__init__(framework)
        self.transfer = CertificateTransferProvides(self, "send-ca-cert")
        framework.observe(self.on.send_ca_cert_relation_changed, self._send)

    def _send(self, event):
        self.transfer.add_certificates({CA}, relation_id=event.relation.id)


class OAuth(ops.CharmBase):
    """Registers every requirer as a client."""

    def __init__(self, framework):
        super().__init__(framework)
        self.provider = OAuthProvider(self)
        framework.observe(self.on.oauth_relation_created, self._introduce)
        framework.observe(self.provider.on.client_created, self._register)

    def _introduce(self, _):
        self.provider.set_provider_info_in_relation_data(
            issuer_url="https://hydra.example.com",
            authorization_endpoint="https://hydra.example.com/oauth2/auth",
            token_endpoint="https://hydra.example.com/oauth2/token",
            introspection_endpoint="https://hydra.example.com/introspect",
            userinfo_endpoint="https://hydra.example.com/userinfo",
            jwks_endpoint="https://hydra.example.com/jwks",
            scope="openid",
        )

    def _register(self, event):
        assert event.redirect_uri == "https://manager.example.com/oidc/callback"
        assert "authorization_code" in event.grant_types
        self.provider.set_client_credentials_in_relation_data(event.relation_id, "us", "the client's secret")


class Tracing(ops.CharmBase):
    """Offers the requested receivers."""

    def __init__(self, framework):
        super().__init__(framework)
        self.provider = TracingEndpointProvider(self, relation_name="tracing")
        framework.observe(self.on.tracing_relation_changed, self._publish)

    def _publish(self, _):
        asked = self.provider.requested_protocols()
        self.provider.publish_receivers([(protocol, f"http://tempo:4318/{protocol}") for protocol in asked])


def answered(charm, interface: str, endpoint: str, version: int = 0):
    """Both sides of a relation: ours speaks, the provider answers, ours listens."""
    ctx = context()
    ours = testing.Relation(endpoint, id=20, remote_app_name="provider")
    before = with_relations(ready(ctx), ours)
    requested = ctx.run(ctx.on.relation_created(ours), before)
    theirs = testing.Relation(
        endpoint,
        id=20,
        remote_app_name="cluster-manager-k8s",
        remote_app_data=dict(requested.get_relation(20).local_app_data),
    )
    other = testing.Context(charm, meta={"name": "provider", "provides": {endpoint: {"interface": interface}}})
    created = other.run(other.on.relation_created(theirs), testing.State(leader=True, relations={theirs}))
    provided = other.run(other.on.relation_changed(created.get_relation(20)), created)
    bag = dict(provided.get_relation(20).local_app_data)
    granted = {testing.Secret(of.latest_content, id=of.id) for of in provided.secrets}
    related = dataclasses.replace(
        with_relations(requested, dataclasses.replace(requested.get_relation(20), remote_app_data=bag)),
        secrets=set(requested.secrets) | granted,
    )
    return ctx, ctx.run(ctx.on.relation_changed(related.get_relation(20)), related)


def test_transferred_ca_is_trusted_for_outgoing_calls():
    ctx, after = answered(CertificateTransfer, "certificate_transfer", "send-ca-cert")
    path = environment(after, "cluster-connector")["EXTRA_CA_FILE"]
    assert file(ctx, after, path).read_text() == CA + "\n"
    gone = dataclasses.replace(after, relations={of for of in after.relations if of.id != 20})
    gone = ctx.run(ctx.on.update_status(), gone)
    assert "EXTRA_CA_FILE" not in environment(gone, "cluster-connector")
    assert not file(ctx, gone, path).exists()


def test_ca_of_an_older_provider_in_unit_data_is_trusted():
    ctx = context()
    bag = {"ca": CA, "certificate": CA, "chain": json.dumps([CA])}
    older = testing.Relation("send-ca-cert", id=20, remote_units_data={0: bag})
    after = ctx.run(ctx.on.relation_changed(older, remote_unit=0), with_relations(ready(ctx), older))
    assert file(ctx, after, environment(after, "management-api")["EXTRA_CA_FILE"]).read_text() == CA + "\n"


def test_oauth_provider_replaces_the_options():
    ctx, after = answered(OAuth, "oauth", "oauth")
    variables = environment(after, "management-api")
    assert variables["OIDC_ISSUER"] == "https://hydra.example.com"
    assert variables["OIDC_CLIENT_ID"] == "us"
    assert file(ctx, after, variables["OIDC_CLIENT_SECRET_FILE"]).read_text() == "the client's secret\n"
    assert after.unit_status == testing.ActiveStatus("")


def test_tracing_provider_is_asked_for_otlp_http():
    _, after = answered(Tracing, "tracing", "tracing")
    receivers = json.loads(after.get_relation(20).remote_app_data["receivers"])
    assert receivers[0]["protocol"]["name"] == "otlp_http"
    assert after.unit_status == testing.ActiveStatus("")


@pytest.mark.parametrize("days", [1, 90])
def test_served_certificate_is_the_one_that_the_provider_signed(days, monkeypatch):
    monkeypatch.setattr("provider.Provider.DAYS", days)
    ctx = context()
    after = ready(ctx)
    issued = json.loads(after.get_relation(3).remote_app_data["certificates"])
    served = file(ctx, after, "/var/lib/cluster-manager/management/tls.crt").read_text()
    assert served.startswith(issued[0]["certificate"].strip())
