"""States of the model: a complete deployment in parts that tests remove or change."""

import dataclasses
import pathlib

import cluster_manager_charm  # noqa: F401  Fails early if the module was not built.
import yaml
from ops import pebble, testing

from charm import ClusterManagerCharm

TREE = pathlib.Path(__file__).parents[3]
META, CONFIG, ACTIONS = (
    yaml.safe_load((TREE / name).read_text()) for name in ("metadata.yaml", "config.yaml", "actions.yaml")
)
APP = META["name"]
PROGRAM = "/usr/bin/cluster-manager"
DOMAIN = "sites.example.com"
OPTIONS = {
    "management-api-domain": "manager.example.com",
    "cluster-connector-domain": DOMAIN,
    "oidc-issuer": "https://login.example.com",
    "oidc-client-id": "cluster-manager",
}


def context() -> testing.Context:
    """A unit of the charm."""
    return testing.Context(ClusterManagerCharm, meta=META, config=CONFIG, actions=ACTIONS, app_name=APP)


def cluster_list(clusters: int = 0) -> testing.Exec:
    """The workload's command that lists this number of clusters."""
    entries = ",".join(f'{{"name":"c{number}","health":{{"state":"fresh"}}}}' for number in range(clusters))
    return testing.Exec([PROGRAM, "cluster", "list"], stdout=f"[{entries}]")


def container(clusters: int = 0, *execs: testing.Exec, **fields) -> testing.Container:
    """The workload's container with a responding Pebble."""
    version = testing.Exec([PROGRAM, "--version"], stdout="cluster-manager 0.1.0\n")
    return testing.Container(
        "cluster-manager", can_connect=True, execs={version, cluster_list(clusters), *execs}, **fields
    )


def peers() -> testing.PeerRelation:
    """The peer relation."""
    return testing.PeerRelation("cluster-manager-peers", id=1)


def database_secret() -> testing.Secret:
    """The secret with the user of the database."""
    return testing.Secret({"username": "us", "password": "the database's password"}, id="secret:cv1database")


def database(**app) -> testing.Relation:
    """The relation with PostgreSQL, with the data that its charm documents."""
    bag = {
        "database": "cm",
        "endpoints": "postgresql-k8s-primary.fleet.svc.cluster.local:5432",
        "secret-user": "secret:cv1database",
    }
    return testing.Relation("database", id=2, remote_app_name="postgresql-k8s", remote_app_data=bag | app)


def certificates(**fields) -> testing.Relation:
    """The relation with a certificate provider that has not issued anything."""
    return testing.Relation("certificates", id=3, remote_app_name="self-signed-certificates", **fields)


def state(**fields) -> testing.State:
    """A single leader before any certificate is issued."""
    fields = {
        "leader": True,
        "config": OPTIONS,
        "planned_units": 1,
        "model": testing.Model("fleet", uuid="6f0a7a2e-2a3e-4f0e-8a53-6d1a1c1c7f10"),
        "containers": {container()},
        "relations": {peers(), database(), certificates()},
        "secrets": {database_secret()},
    } | fields
    return testing.State(**fields)


def issue(ctx: testing.Context, before: testing.State) -> testing.State:
    """The provider signs the charm's request with its real library."""
    from provider import sign

    after = ctx.run(ctx.on.relation_changed(before.get_relation(3)), before)
    return sign(after)


def ready(ctx: testing.Context, **fields) -> testing.State:
    """A leader with a complete deployment that is ready."""
    issued = issue(ctx, state(**fields))
    return ctx.run(ctx.on.relation_changed(issued.get_relation(3)), issued)


def with_relations(before: testing.State, *relations) -> testing.State:
    """Adds relations, or replaces those with the same id."""
    ids = {relation.id for relation in relations}
    others = {relation for relation in before.relations if relation.id not in ids}
    return dataclasses.replace(before, relations=others | set(relations))


def without_relation(before: testing.State, number: int) -> testing.State:
    """Removes a relation."""
    return dataclasses.replace(before, relations={of for of in before.relations if of.id != number})


def with_container(before: testing.State, after: testing.Container) -> testing.State:
    """Replaces the container."""
    return dataclasses.replace(before, containers={after})


def services(after: testing.State) -> dict[str, pebble.ServiceStatus]:
    """The status of each service."""
    return after.get_container("cluster-manager").service_statuses


def environment(after: testing.State, service: str) -> dict[str, str]:
    """The environment of a service."""
    return after.get_container("cluster-manager").plan.services[service].environment


def file(ctx: testing.Context, after: testing.State, path: str) -> pathlib.Path:
    """A file in the container."""
    return after.get_container("cluster-manager").get_filesystem(ctx) / path.removeprefix("/")


def stored(after: testing.State, label: str) -> dict[str, str]:
    """The content of an application's secret."""
    return after.get_secret(label=label).latest_content


def written(after: testing.State):
    """Everything that the charm writes outside of its own process, for comparisons."""
    plan = after.get_container("cluster-manager").plan.to_dict()
    bags = {of.id: (dict(of.local_app_data), dict(of.local_unit_data)) for of in after.relations}
    secrets = {secret.label: secret.latest_content for secret in after.secrets if secret.owner == "app"}
    return plan, bags, secrets, after.opened_ports, after.unit_status
