"""A stand-in for the hook tools of Juju that the charm calls. It keeps the model in a JSON file."""

import contextlib
import fcntl
import json
import os
import pathlib
import sys

MODEL = pathlib.Path(os.environ["STAND_IN_MODEL"])


@contextlib.contextmanager
def model():
    """The model, which is saved afterwards."""
    with MODEL.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        loaded = json.load(file)
        yield loaded
        file.seek(0)
        file.truncate()
        json.dump(loaded, file, indent=1)


def main(tool: str, arguments: list[str]):
    """Does what the hook tool does."""
    options = {of.split("=")[0]: of.partition("=")[2] for of in arguments if of.startswith("--")}
    words = [of for of in arguments if not of.startswith("--")]

    def value(option: str):
        return arguments[arguments.index(option) + 1] if option in arguments else None

    def answer(of):
        print(json.dumps(of))

    with model() as juju:
        relation = juju["relations"].get((value("-r") or "").rpartition(":")[2], {})
        match tool:
            case "juju-log":
                juju["log"].append(f"{value('--log-level')}: {words[-1]}")
            case "is-leader":
                answer(True)
            case "config-get":
                answer(juju["config"])
            case "goal-state":
                answer({"units": {juju["unit"]: {"status": "active", "since": "2026-11-20 20:00:00Z"}}, "relations": {}})
            case "network-get":
                bound = {"interface-name": "lo", "addresses": [{"hostname": "", "value": "127.0.0.1", "cidr": ""}]}
                answer({"bind-addresses": [bound], "ingress-addresses": ["127.0.0.1"], "egress-subnets": []})
            case "relation-ids":
                answer([f"{of['endpoint']}:{number}" for number, of in juju["relations"].items() if of["endpoint"] == words[0]])
            case "relation-list":
                answer(relation["app"] if "--app" in options else relation["units"])
            case "relation-get":
                answer(relation["data"].get(words[-1], {}))
            case "relation-set":
                bag = relation["data"].setdefault(juju["app"] if "--app" in options else juju["unit"], {})
                bag.update(json.load(sys.stdin))
                for key in [key for key, of in bag.items() if not of]:
                    del bag[key]
            case "secret-add" | "secret-set":
                content = {of.split("#file=")[0]: pathlib.Path(of.split("#file=")[1]).read_text() for of in words if "#file=" in of}
                number = f"secret:cv1{len(juju['secrets'])}" if tool == "secret-add" else words[0]
                secret = juju["secrets"].setdefault(number, {"label": value("--label"), "owner": "application"})
                secret["content"] = content or secret["content"]
                if tool == "secret-add":
                    print(number)
            case "secret-get" | "secret-info-get":
                label = value("--label")
                found = {
                    number: of
                    for number, of in juju["secrets"].items()
                    if number.removeprefix("secret:") in {word.removeprefix("secret:") for word in words}
                    or (label and of["label"] == label)
                }
                if not found:
                    sys.exit(f'ERROR secret "{words}" not found')
                ((number, secret),) = found.items()
                info = {"label": secret["label"], "owner": secret["owner"], "revision": 1, "rotation": "never"}
                answer(secret["content"] if tool == "secret-get" else {number.removeprefix("secret:"): info})
            case "secret-ids":
                answer([number for number, of in juju["secrets"].items() if of["owner"] == "application"])
            case "opened-ports":
                answer(juju["ports"])
            case "open-port":
                juju["ports"].append(words[0])
            case "status-get":
                answer(juju["status"] | {"status-data": {}})
            case "status-set":
                juju["status"] = {"status": words[0], "message": words[1] if len(words) > 1 else ""}
            case "application-version-set":
                juju["version"] = words[-1]
            case "action-get":
                answer(juju["action"]["params"])
            case "action-set":
                juju["action"]["results"] |= dict(of.split("=", 1) for of in words)
            case "action-fail":
                juju["action"]["failure"] = words[-1]
            case other:
                sys.exit(f"ERROR there is no stand-in for {other}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
