#!/usr/bin/env python3
"""The charm's entry point. The logic is in Rust: see charm/src in the source tree."""

import cluster_manager_charm
import ops
from charmlibs.interfaces.tls_certificates import (
    CertificateRequestAttributes,
    KeyAlgorithm,
    Mode,
    TLSCertificatesError,
    TLSCertificatesRequiresV4,
)


class Certificates(TLSCertificatesRequiresV4):
    """The TLS certificates library. Malformed data of a provider becomes a status instead of an error."""

    def _configure(self, event: ops.EventBase):
        try:
            super()._configure(event)
        except TLSCertificatesError as error:
            self.charm.problem = f"cannot read the relation certificates: {error}"


class ClusterManagerCharm(ops.CharmBase):
    """Passes every event to Rust. `ops` needs a Python subclass with bound methods."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.problem = None
        self.certificates = None
        requests = cluster_manager_charm.certificate_requests(self)
        self.requests = {
            purpose: CertificateRequestAttributes(**attributes) for purpose, attributes in requests.items()
        }
        if self.requests:
            self.certificates = Certificates(
                self,
                "certificates",
                list(self.requests.values()),
                mode=Mode.APP,
                key_algorithm=KeyAlgorithm.ECDSA,
                refresh_events=[
                    self.on.config_changed,
                    self.on.update_status,
                    self.on.upgrade_charm,
                    self.on.ingress_relation_created,
                    self.on.ingress_relation_broken,
                ],
            )
            framework.observe(self.certificates.on.certificate_available, self._reconcile)
        for name, event in self.on.events().items():
            if name.endswith("_action"):
                framework.observe(event, self._act)
            elif not name.startswith("collect_"):
                framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._collect_status)

    def _reconcile(self, _: ops.EventBase):
        cluster_manager_charm.reconcile(self)

    def _act(self, event: ops.ActionEvent):
        cluster_manager_charm.act(self, event)

    def _collect_status(self, event: ops.CollectStatusEvent):
        cluster_manager_charm.collect_status(self, event)


if __name__ == "__main__":
    ops.main(ClusterManagerCharm)
