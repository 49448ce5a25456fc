"""States of the model: a deployment that has all it needs, in parts that tests leave out or spoil."""

import dataclasses
import pathlib

import cluster_manager_charm  # noqa: F401  Fails early and clearly where the module was not built.
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
    """A unit of ours."""
    return testing.Context(ClusterManagerCharm, meta=META, config=CONFIG, actions=ACTIONS, app_name=APP)


def cluster_list(sites: int = 0) -> testing.Exec:
    """The workload says how many clusters are enrolled."""
    clusters = ",".join(f'{{"name":"c{number}","health":{{"state":"fresh"}}}}' for number in range(sites))
    return testing.Exec([PROGRAM, "cluster", "list"], stdout=f"[{clusters}]")


def container(sites: int = 0, *execs: testing.Exec, **fields) -> testing.Container:
    """The workload's container, where its Pebble answers."""
    version = testing.Exec([PROGRAM, "--version"], stdout="cluster-manager 0.1.0\n")
    return testing.Container(
        "cluster-manager", can_connect=True, execs={version, cluster_list(sites), *execs}, **fields
    )


def peers() -> testing.PeerRelation:
    """The relation among our units."""
    return testing.PeerRelation("cluster-manager-peers", id=1)


def database_secret() -> testing.Secret:
    """The database's user."""
    return testing.Secret({"username": "us", "password": "the database's password"}, id="secret:cv1database")


def database(**app) -> testing.Relation:
    """What PostgreSQL's charm documents, of its application's bag."""
    bag = {
        "database": "cm",
        "endpoints": "postgresql-k8s-primary.fleet.svc.cluster.local:5432",
        "secret-user": "secret:cv1database",
    }
    return testing.Relation("database", id=2, remote_app_name="postgresql-k8s", remote_app_data=bag | app)


def certificates(**fields) -> testing.Relation:
    """Nothing issued yet."""
    return testing.Relation("certificates", id=3, remote_app_name="self-signed-certificates", **fields)


def state(**fields) -> testing.State:
    """The leader of one unit, before anything was issued."""
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
    """The provider signs what the charm asks for; with its library, as in the real charm."""
    from provider import sign

    after = ctx.run(ctx.on.relation_changed(before.get_relation(3)), before)
    return sign(after)


def ready(ctx: testing.Context, **fields) -> testing.State:
    """A leader with all it needs, that has settled."""
    issued = issue(ctx, state(**fields))
    return ctx.run(ctx.on.relation_changed(issued.get_relation(3)), issued)


def with_relations(before: testing.State, *relations) -> testing.State:
    """More relations, or others in the place of those with the same number."""
    numbers = {relation.id for relation in relations}
    kept = {relation for relation in before.relations if relation.id not in numbers}
    return dataclasses.replace(before, relations=kept | set(relations))


def without_relation(before: testing.State, number: int) -> testing.State:
    """One relation less."""
    return dataclasses.replace(before, relations={of for of in before.relations if of.id != number})


def with_container(before: testing.State, after: testing.Container) -> testing.State:
    """Another container."""
    return dataclasses.replace(before, containers={after})


def services(after: testing.State) -> dict[str, pebble.ServiceStatus]:
    """What runs."""
    return after.get_container("cluster-manager").service_statuses


def environment(after: testing.State, service: str) -> dict[str, str]:
    """What a service is told."""
    return after.get_container("cluster-manager").plan.services[service].environment


def file(ctx: testing.Context, after: testing.State, path: str) -> pathlib.Path:
    """A file in the container."""
    return after.get_container("cluster-manager").get_filesystem(ctx) / path.removeprefix("/")


def kept(after: testing.State, label: str) -> dict[str, str]:
    """What the leader keeps under a label."""
    return after.get_secret(label=label).latest_content


def written(after: testing.State):
    """All that the charm writes and others see, to be compared."""
    plan = after.get_container("cluster-manager").plan.to_dict()
    bags = {of.id: (dict(of.local_app_data), dict(of.local_unit_data)) for of in after.relations}
    secrets = {secret.label: secret.latest_content for secret in after.secrets if secret.owner == "app"}
    return plan, bags, secrets, after.opened_ports, after.unit_status
