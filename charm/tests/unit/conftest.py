"""A deployment that has all it needs, for the tests to take away from."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True)
def host(monkeypatch):
    """The unit's name in the cluster, as Kubernetes gives it."""
    name = "cluster-manager-k8s-0.cluster-manager-k8s-endpoints.fleet.svc.cluster.local"
    monkeypatch.setattr("socket.getfqdn", lambda *_: name)
