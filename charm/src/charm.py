#!/usr/bin/env python3
"""The charm as Juju starts it. What it does is decided in Rust: see charm/src in the source tree."""

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
    """The library, but a provider's nonsense is the status' business and no failure of ours."""

    def _configure(self, event: ops.EventBase):
        try:
            super()._configure(event)
        except TLSCertificatesError as error:
            self.charm.problem = f"the relation certificates holds what cannot be read: {error}"


class ClusterManagerCharm(ops.CharmBase):
    """Hands every event to Rust; `ops` takes subclasses and bound methods of Python alone."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.problem = None
        self.certificates = None
        wanted = cluster_manager_charm.certificate_requests(self)
        self.requests = {name: CertificateRequestAttributes(**of) for name, of in wanted.items()}
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
