"""Relation data of other charms: complete, incomplete and malformed.

The data follows the documentation of the providers' charms. test_providers.py uses their libraries where PyPI has them.
"""

import json
import pathlib

from ops import testing

# Any well-formed certificate.
CA = (pathlib.Path(__file__).parent.parent / "facts/connector.crt").read_text().strip()
PROVIDER_SECRET = testing.Secret({"secret": "the client's secret"}, id="secret:cv1oauth")
TLS_SECRET = testing.Secret({"tls": "True", "tls-ca": CA}, id="secret:cv1tls")
SECRETS = {PROVIDER_SECRET, TLS_SECRET}

# By endpoint: the data of the application, and of each unit.
COMPLETE = {
    "send-ca-cert": ({"certificates": json.dumps([CA]), "version": "1"}, {}),
    "database": (
        {
            "database": "cm",
            "endpoints": "postgresql-k8s-primary.fleet.svc.cluster.local:5432",
            "secret-user": "secret:cv1database",
            "secret-tls": "secret:cv1tls",
        },
        {},
    ),
    "traefik-route": (
        {"external_host": "203.0.113.7", "scheme": "https"},
        {"ingress-address": "10.1.4.30", "egress-subnets": "10.1.4.30/32"},
    ),
    "ingress": ({"ingress": json.dumps({"url": "https://fleet-cm.example.com/"})}, {}),
    "send-remote-write": ({}, {"remote_write": json.dumps({"url": "http://prometheus:9090/api/v1/write"})}),
    "grafana-metadata": ({"direct_url": "http://grafana:3000", "grafana_uid": "one"}, {}),
    "logging": ({}, {"endpoint": json.dumps({"url": "http://loki:3100/loki/api/v1/push"})}),
    "tracing": (
        {"receivers": json.dumps([{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"}])},
        {},
    ),
    "oauth": (
        {
            "issuer_url": "https://hydra.example.com",
            "client_id": "us",
            "client_secret_id": "secret:cv1oauth",
            "authorization_endpoint": "https://hydra.example.com/oauth2/auth",
            "token_endpoint": "https://hydra.example.com/oauth2/token",
            "introspection_endpoint": "https://hydra.example.com/introspect",
            "userinfo_endpoint": "https://hydra.example.com/userinfo",
            "jwks_endpoint": "https://hydra.example.com/jwks",
            "scope": "openid",
            "ca_chain": json.dumps([CA]),
        },
        {},
    ),
    "metrics-endpoint": ({}, {}),
    "grafana-dashboard": ({}, {}),
    "certificates": ({}, {}),
}
ENDPOINTS = sorted(COMPLETE)
NONSENSE = "{[nonsense"


def relation(endpoint: str, fill: str, number: int = 20) -> testing.Relation:
    """A relation whose data is `complete`, `empty`, `nonsense` or `half`, with only its first value."""
    app, unit = COMPLETE[endpoint]
    change = {
        "complete": dict,
        "empty": lambda _: {},
        "nonsense": lambda bag: dict.fromkeys(bag or {"certificates": ""}, NONSENSE),
        "half": lambda bag: dict(list(bag.items())[:1]),
    }[fill]
    return testing.Relation(
        endpoint,
        id=number,
        remote_app_name="other",
        remote_app_data=change(app),
        remote_units_data={0: change(unit)},
    )
