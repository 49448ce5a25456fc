"""A machine with everything that Juju gives a unit: a container with Pebble, the unpacked charm, hook tools, a database.

It uses the mount and network namespaces that `unshare` has created, so that paths and ports are the real ones. Everything is
gone when the process ends.
"""

import fcntl
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time
import zipfile

APP, UNIT = "cluster-manager-k8s", "cluster-manager-k8s/0"
CHARM = "/var/lib/juju/agents/unit-cluster-manager-k8s-0/charm"
TOOLS = (
    "juju-log is-leader config-get goal-state network-get relation-ids relation-list relation-get relation-set secret-add "
    "secret-set secret-get secret-info-get secret-ids opened-ports open-port status-get status-set "
    "application-version-set action-get action-set action-fail"
).split()
TIMEOUT_SECONDS = 60.0


def until(what: str, holds):
    """Polls until a condition holds."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > TIMEOUT_SECONDS:
            raise TimeoutError(what)
        time.sleep(0.05)


class Machine:
    """The file system and the processes around the charm."""

    def __init__(self, scratch: pathlib.Path, charm: pathlib.Path, programs: pathlib.Path, pebble: pathlib.Path):
        self.root = scratch / "root"
        self.processes: list[subprocess.Popen] = []
        self._mount(scratch)
        self._bring_up_loopback()
        for program in ("cluster-manager", "cluster-agent"):
            self._put(f"/usr/bin/{program}", programs / program)
        self._put("/usr/bin/pebble", pebble)
        with zipfile.ZipFile(charm) as packed:
            for entry in packed.infolist():
                packed.extract(entry, self.at(CHARM))
                self.at(f"{CHARM}/{entry.filename}").chmod(entry.external_attr >> 16)
        self.python = pathlib.Path(sys.executable).resolve().parent
        self._put("/opt/hook_tool.py", pathlib.Path(__file__).parent / "hook_tool.py")
        for tool in TOOLS:
            link = self.at(f"/opt/tools/{tool}")
            link.parent.mkdir(exist_ok=True)
            link.write_text(f'#!/bin/sh\nexec python3 /opt/hook_tool.py {tool} "$@"\n')
            link.chmod(0o755)

    def at(self, path: str) -> pathlib.Path:
        """The real path of a path in the machine."""
        return self.root / path.lstrip("/")

    def _put(self, path: str, source: pathlib.Path):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.at(path))

    # Everything is gone with the namespace. Do not remove anything explicitly: the lower layer is the real system.
    def _mount(self, scratch: pathlib.Path):
        def mount(*arguments):
            subprocess.run(["mount", *map(str, arguments)], check=True)

        # The upper layers must not be inside the lower one.
        mount("-t", "tmpfs", "tmpfs", scratch)
        for folder in ("upper", "work", "root"):
            (scratch / folder).mkdir()
        layers = f"lowerdir=/,upperdir={scratch}/upper,workdir={scratch}/work"
        mount("-t", "overlay", "overlay", "-o", layers, self.root)
        mount("-t", "proc", "proc", self.root / "proc")
        for folder in ("dev", "tmp", "run"):
            mount("-t", "tmpfs", "tmpfs", self.root / folder)
        # Bind single devices, so that changes to the folder do not affect the real one.
        for device in ("null", "zero", "full", "random", "urandom"):
            (self.root / "dev" / device).touch()
            mount("--bind", f"/dev/{device}", self.root / "dev" / device)
        (self.root / "dev/shm").mkdir()
        (self.root / "dev/shm").chmod(0o1777)

    def _bring_up_loopback(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            up_and_running = struct.pack("16sh", b"lo", 0x1 | 0x40)
            fcntl.ioctl(any_socket, 0x8914, up_and_running)

    def run(self, *command: str, start: bool = False, **environment: str):
        """Runs a command in the machine, without the environment of this process."""
        path = f"/opt/tools:{self.python}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        whole = ["chroot", str(self.root.resolve()), *command]
        environment = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"} | environment
        if start:
            self.processes.append(subprocess.Popen(whole, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            return None
        return subprocess.run(whole, env=environment, capture_output=True, text=True)

    def start_pebble(self):
        """Starts Pebble as Juju does in the container."""
        self.at("/charm/containers/cluster-manager").mkdir(parents=True)
        self.at("/charm/containers/cluster-manager/pebble.socket").unlink(missing_ok=True)
        environment = {"PEBBLE": "/var/lib/pebble/default", "PEBBLE_SOCKET": "/charm/containers/cluster-manager/pebble.socket"}
        self.run("pebble", "run", "--create-dirs", "--hold", start=True, **environment)
        until("Pebble listens", self.at("/charm/containers/cluster-manager/pebble.socket").exists)

    def start_database(self) -> int:
        """Starts a PostgreSQL that needs no password."""
        programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda of: int(of.parent.name))
        data = self.at("/run/database")
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        made = self.run(*drop, f"{programs}/initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "/run/database")
        assert made.returncode == 0, made.stderr
        options = ["-D", "/run/database", "-k", "", "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]
        self.run(*drop, f"{programs}/postgres", *options, start=True)
        command = [f"{programs}/psql", "-h", "127.0.0.1", "-U", "postgres", "-c", "CREATE DATABASE cm"]
        until("the database responds", lambda: self.run(*command).returncode == 0)
        return 5432

    def end(self):
        """Ends all processes."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


class Juju:
    """A model with one unit of the charm."""

    def __init__(self, machine: Machine, config: dict):
        self.machine = machine
        self.file = machine.at("/opt/model.json")
        defaults = {"app": APP, "unit": UNIT, "relations": {}, "secrets": {}, "ports": [], "log": [], "action": {}}
        self.file.write_text(json.dumps(defaults | {"config": config, "status": {"status": "unknown", "message": ""}}))

    @property
    def model(self) -> dict:
        return json.loads(self.file.read_text())

    def change(self, change):
        """Changes the model."""
        model = self.model
        change(model)
        self.file.write_text(json.dumps(model))

    def relate(self, number: int, endpoint: str, app: str, bag: dict | None = None):
        """Adds a relation."""
        relation = {"endpoint": endpoint, "app": app, "units": [f"{app}/0"], "data": {app: bag or {}}}
        self.change(lambda model: model["relations"].update({str(number): relation}))

    def dispatch(self, event: str, **environment: str):
        """Dispatches an event as Juju does."""
        result = self.machine.run(
            f"{CHARM}/dispatch",
            JUJU_DISPATCH_PATH=event,
            JUJU_CHARM_DIR=CHARM,
            JUJU_UNIT_NAME=UNIT,
            JUJU_MODEL_NAME="fleet",
            JUJU_MODEL_UUID="6f0a7a2e-2a3e-4f0e-8a53-6d1a1c1c7f10",
            JUJU_VERSION="3.6.0",
            JUJU_MACHINE_ID="0",
            JUJU_AVAILABILITY_ZONE="",
            STAND_IN_MODEL="/opt/model.json",
            **environment,
        )
        assert result.returncode == 0, f"{event}: {result.stdout}{result.stderr}\n{self.model['log'][-30:]}"

    def related(self, number: int, event: str):
        """Dispatches an event of a relation."""
        relation = self.model["relations"][str(number)]
        endpoint, app = relation["endpoint"], relation["app"]
        self.dispatch(
            f"hooks/{endpoint}-relation-{event}",
            JUJU_RELATION=endpoint,
            JUJU_RELATION_ID=f"{endpoint}:{number}",
            JUJU_REMOTE_APP=app,
            **({} if event in ("created", "broken") else {"JUJU_REMOTE_UNIT": f"{app}/0"}),
        )

    def act(self, action: str, **params) -> dict:
        """Runs an action and returns its results."""
        blank = {"params": params, "results": {}, "failure": None}
        self.change(lambda model: model.update(action=blank))
        self.dispatch(f"actions/{action}", JUJU_ACTION_NAME=action, JUJU_ACTION_UUID="1", JUJU_ACTION_TAG="action-1")
        done = self.model["action"]
        assert done["failure"] is None, done["failure"]
        return done["results"]
