"""The packed charm from its first event to the first enrolled cluster. test_packed.py runs this in separate namespaces.

The packed charm, Pebble, the workload, the database and the agent are real. Juju's hook tools and LXD are stand-ins, and the
certificate provider is the library that real providers use.
"""

import http.server
import os
import pathlib
import socketserver
import sys
import threading
import urllib.request

from machine import TIMEOUT_SECONDS, Juju, Machine, until
from ops import pebble, testing

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "unit"))

from provider import sign  # noqa: E402

CONFIG = {
    "management-api-domain": "manager.example.com",
    "cluster-connector-domain": "sites.example.com",
    "cluster-connector-port": 30000,
    "connector-certificate": "pinned",
    "oidc-issuer": "https://login.example.com",
    "oidc-client-id": "cluster-manager",
    "oidc-client-secret": "",
    "oidc-audience": "",
    "oidc-groups-claim": "mcm-idp-groups",
    "role-mapping": "admins=admin",
    "rate-limit-max-clients": 100000,
    "trusted-proxies": "",
    "log-level": "info",
}


class Lxd(http.server.BaseHTTPRequestHandler):
    """The part of LXD that the agent reads before it joins."""

    def do_GET(self):
        body = b'{"type":"sync","status_code":200,"metadata":{"environment":{"server_name":"berlin"}}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def address_string(self):
        return "the agent"

    def log_message(self, *_):
        pass


def issue(juju: Juju):
    """The provider signs the charm's request."""
    relation = juju.model["relations"]["3"]
    ours = testing.Relation("certificates", id=3, local_app_data=relation["data"]["cluster-manager-k8s"])
    issued = dict(sign(testing.State(relations={ours})).get_relation(3).remote_app_data)
    juju.change(lambda model: model["relations"]["3"]["data"].update({"self-signed-certificates": issued}))


def is_up(port: int) -> bool:
    """Whether a service reports that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=TIMEOUT_SECONDS) as response:
            return response.status == 200
    except OSError:
        return False


def everything(machine: Machine, juju: Juju, client: pebble.Client):
    """Everything that an event may write: files with their times, the plan, replans, the model."""
    files = {path: path.stat().st_mtime_ns for path in machine.at("/var/lib/cluster-manager").rglob("*") if path.is_file()}
    replans = [change.id for change in client.get_changes(pebble.ChangeState.ALL) if change.kind == "replan"]
    model = {key: of for key, of in juju.model.items() if key != "log"}
    return files, client.get_plan().to_dict(), replans, model


def play(machine: Machine):
    """Plays the events."""
    machine.at("/etc/hosts").write_text("127.0.0.1 localhost sites.example.com\n")
    port = machine.start_database()
    juju = Juju(machine, CONFIG)
    juju.relate(1, "cluster-manager-peers", "cluster-manager-k8s")
    juju.change(lambda model: model["relations"]["1"].update(units=[]))
    juju.dispatch("hooks/install")
    juju.dispatch("hooks/leader-elected")
    assert juju.model["status"]["status"] == "blocked", juju.model["status"]

    granted = {"content": {"username": "postgres", "password": "none"}, "label": None, "owner": "postgresql-k8s"}
    juju.change(lambda model: model["secrets"].update({"secret:cv1database": granted}))
    given = {"database": "cm", "endpoints": f"127.0.0.1:{port}", "secret-user": "secret:cv1database"}
    juju.relate(2, "database", "postgresql-k8s", given)
    juju.related(2, "changed")
    juju.relate(3, "certificates", "self-signed-certificates")
    juju.related(3, "created")
    issue(juju)
    juju.related(3, "changed")
    assert juju.model["status"] == {"status": "waiting", "message": "waiting for the container"}, juju.model

    machine.start_pebble()
    juju.dispatch("hooks/cluster-manager-pebble-ready", JUJU_WORKLOAD_NAME="cluster-manager")
    client = pebble.Client("charm/containers/cluster-manager/pebble.socket", timeout=TIMEOUT_SECONDS)

    def is_ready() -> bool:
        # Pebble reports a check as up before it has run for the first time.
        checks = [check.status for check in client.get_checks()]
        return checks == [pebble.CheckStatus.UP] * 4 and all(is_up(port) for port in (10000, 10001))

    until("all checks are up", is_ready)
    juju.dispatch("hooks/update-status")
    assert juju.model["status"] == {"status": "active", "message": ""}, juju.model["status"]
    assert juju.model["version"], juju.model
    assert sorted(juju.model["ports"]) == ["30000/tcp", "9000/tcp"], juju.model["ports"]
    print("status: active, version", juju.model["version"])

    before = everything(machine, juju, client)
    juju.dispatch("hooks/update-status")
    assert everything(machine, juju, client) == before, "a second event wrote something"

    created = juju.act("create-token", cluster="berlin", description="racks 1 to 4")
    assert set(created) == {"token", "command", "expires-at"}, set(created)
    machine.at("/run/lxd").mkdir()
    with socketserver.ThreadingUnixStreamServer("run/lxd/unix.socket", Lxd) as lxd:
        threading.Thread(target=lxd.serve_forever, daemon=True).start()
        joined = machine.run("cluster-agent", "--state-dir", "/run/agent", "--lxd-dir", "/run/lxd", "join", created["token"])
        lxd.shutdown()
    assert joined.returncode == 0, joined.stdout + joined.stderr
    print(joined.stdout.strip())
    listed = juju.act("list-clusters", limit=10)
    assert listed["count"] == "1" and '"berlin"' in listed["clusters"], listed
    dry_run = juju.act("rotate-connector-certificate", **{"dry-run": True})
    assert dry_run["clusters"] == "1" and dry_run["changed"] == "false", dry_run
    print("rotation:", dry_run["summary"])
    done = juju.act("rotate-connector-certificate", **{"dry-run": False})
    assert done["fingerprint"] == dry_run["fingerprint"] and done["changed"] == "true", done
    until("all checks are up with the new leaf", is_ready)
    juju.dispatch("hooks/update-status")
    assert juju.model["status"]["status"] in ("active", "waiting"), juju.model["status"]
    leaf = machine.at("/var/lib/cluster-manager/connector/tls.crt").read_text()
    assert any(of["content"].get("certificate") == leaf for of in juju.model["secrets"].values())


def main(scratch: str, charm: str, programs: str, pebble_program: str):
    """Creates the machine, plays the events and ends all processes."""
    machine = Machine(*map(pathlib.Path, (scratch, charm, programs, pebble_program)))
    # The paths of Unix sockets must be short.
    os.chdir(machine.root)
    try:
        play(machine)
    except BaseException:
        environment = {"PEBBLE": "/var/lib/pebble/default", "PEBBLE_SOCKET": "/charm/containers/cluster-manager/pebble.socket"}
        for words in (["services"], ["checks"], ["changes"], ["logs", "-n", "30"]):
            print(machine.run("pebble", *words, **environment).stdout)
        raise
    finally:
        machine.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
