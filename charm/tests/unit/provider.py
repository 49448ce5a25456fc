"""A certificate provider with the library that real providers use, and a CA for the tests."""

import dataclasses
import datetime
import functools

import ops
from charmlibs.interfaces.tls_certificates import (
    Certificate,
    CertificateRequestAttributes,
    PrivateKey,
    ProviderCertificate,
    TLSCertificatesProvidesV4,
)
from ops import testing


@functools.cache
def authority() -> tuple[PrivateKey, Certificate]:
    """The CA."""
    key = PrivateKey.generate()
    attributes = CertificateRequestAttributes(common_name="CA of the tests", is_ca=True)
    return key, Certificate.generate_self_signed_ca(attributes, key, datetime.timedelta(days=3650))


class Provider(ops.CharmBase):
    """Signs every request."""

    DAYS = 90

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.certificates = TLSCertificatesProvidesV4(self, "certificates")
        framework.observe(self.on.certificates_relation_changed, self._sign)

    def _sign(self, _):
        key, ca = authority()
        for request in self.certificates.get_outstanding_certificate_requests():
            csr = request.certificate_signing_request
            leaf = csr.sign(ca, key, datetime.timedelta(days=self.DAYS), is_ca=False)
            issued = ProviderCertificate(
                relation_id=request.relation_id,
                certificate=leaf,
                certificate_signing_request=csr,
                ca=ca,
                chain=[leaf, ca],
            )
            self.certificates.set_relation_certificate(issued)


META = {
    "name": "self-signed-certificates",
    "provides": {"certificates": {"interface": "tls-certificates"}},
}


def sign(state: testing.State, number: int = 3) -> testing.State:
    """The state after the provider has signed the requests of the charm."""
    ours = state.get_relation(number)
    theirs = testing.Relation(
        "certificates",
        id=number,
        remote_app_name="cluster-manager-k8s",
        remote_app_data=dict(ours.local_app_data),
        local_app_data=dict(ours.remote_app_data),
    )
    context = testing.Context(Provider, meta=META)
    signed = context.run(context.on.relation_changed(theirs), testing.State(leader=True, relations={theirs}))
    issued = dict(signed.get_relation(number).local_app_data)
    relations = {relation for relation in state.relations if relation.id != number}
    return dataclasses.replace(state, relations=relations | {dataclasses.replace(ours, remote_app_data=issued)})
