"""Fixtures of the tests."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True)
def host(monkeypatch):
    """Sets the unit's DNS name, as in Kubernetes."""
    name = "cluster-manager-k8s-0.cluster-manager-k8s-endpoints.fleet.svc.cluster.local"
    monkeypatch.setattr("socket.getfqdn", lambda *_: name)
