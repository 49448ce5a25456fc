"""Reads the files for deployment as Kubernetes, Docker, Rockcraft and Terraform do.

tools/deploy calls it, with the Kubernetes documents on standard input as Kustomize renders them.
"""

import re
import sys
from pathlib import Path

import hcl2
import kubernetes_validate
import yaml
from craft_application.models import Project
from dockerfile_parse import DockerfileParser

TREE = Path(__file__).parents[2]
# The oldest Kubernetes on which a pod can sleep before it stops, and the newest whose schema is available.
KUBERNETES = ["1.30", "1.36"]
# The additions of Rockcraft to a project of the Craft family. Its own schema is not on PyPI.
OF_ROCKCRAFT = {"run-user", "services"}
# The id of Rockcraft's user _daemon_.
USER = 584792


def read(path: str) -> str:
    return (TREE / path).read_text()


def check_kubernetes(documents: list[dict]) -> None:
    """Each document matches the schema of Kubernetes, and references between documents are valid."""
    for document in documents:
        for version in KUBERNETES:
            kubernetes_validate.validate(document, version, strict=True)
    named = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    how_to = read("docs/how-to/kubernetes-without-juju.md")
    for (kind, name), deployment in named.items():
        if kind != "Deployment":
            continue
        template = deployment["spec"]["template"]
        for other in ("Service", "PodDisruptionBudget"):
            spec = named[other, name]["spec"]["selector"]
            selector = spec.get("matchLabels", spec)
            assert selector.items() <= template["metadata"]["labels"].items(), f"{other} {name} selects other pods"
        policy = named["NetworkPolicy", "cluster-manager"]["spec"]["podSelector"]["matchLabels"]
        assert policy.items() <= template["metadata"]["labels"].items(), f"no policy is for {name}"
        assert template["spec"]["securityContext"]["runAsUser"] == USER
        for secret in secrets(template["spec"]):
            assert f"`{secret}`" in how_to, f"the how-to does not tell of the secret {secret}"


def secrets(pod: dict) -> list[str]:
    return [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]


def check_rock() -> None:
    """The project is valid for the Craft family, and its services are those of the charm's layer."""
    rock = yaml.safe_load(read("rockcraft.yaml"))
    Project.model_validate({key: value for key, value in rock.items() if key not in OF_ROCKCRAFT})
    assert rock["run-user"] == "_daemon_"
    layer = yaml.safe_load(read("charm/tests/golden/layer.yaml"))
    commands = {name: service["command"] for name, service in layer["services"].items()}
    assert commands == {name: service["command"] for name, service in rock["services"].items()}
    for name, service in rock["services"].items():
        told = layer["services"][name]["environment"]
        assert service["environment"].items() <= told.items(), f"{name} differs from the charm's layer"


def check_dockerfile() -> None:
    """Every stage and every source exists; the result contains nothing else and does not run as root."""
    file = TREE / "Dockerfile"
    steps = DockerfileParser(fileobj=file.open("rb")).structure
    stages, last = set(), ""
    for step in steps:
        words = [word for word in step["value"].split() if not word.startswith("--")]
        if step["instruction"] == "FROM":
            last = words[0]
            stages |= {words[2]} if len(words) > 1 else set()
        if step["instruction"] != "COPY":
            continue
        source = re.search(r"--from=(\S+)", step["value"])
        assert source is None or source[1] in stages, f"there is no stage {source[1]}"
        missing = [] if source else [word for word in words[:-1] if not (TREE / word).exists()]
        assert not missing, f"Dockerfile copies {missing}, which is not there"
    assert last == "scratch"
    assert [step["value"] for step in steps if step["instruction"] == "USER"] == [f"{USER}:{USER}"]


def check_terraform() -> None:
    """Every file is valid Terraform, and what it says about the charm is correct."""
    for path in (TREE / "terraform").glob("*/*.tf"):
        hcl2.loads(path.read_text())
    modules = [hcl2.loads(path.read_text()) for path in (TREE / "terraform").glob("*.tf")]
    outputs = {unquoted(name): output for module in modules for block in module.get("output", []) for name, output in block.items()}
    variables = {unquoted(name): about for module in modules for block in module.get("variable", []) for name, about in block.items()}
    charm = yaml.safe_load(read("metadata.yaml"))
    offered = set()
    for side in ("provides", "requires"):
        said = {unquoted(endpoint) for endpoint in outputs[side]["value"].values()}
        assert said == set(charm[side]), f"terraform's {side} differ: {said ^ set(charm[side])}"
        offered |= said
    listed = set(re.findall(r'"([a-z-]+)"', variables["integrations"]["validation"][0]["condition"]))
    assert listed == offered, f"terraform takes other endpoints than there are: {listed ^ offered}"
    options = yaml.safe_load(read("config.yaml"))["options"]
    example = read("terraform/example/main.tf")
    for option in re.findall(r'^    "([a-z-]+)" += "', example, re.MULTILINE):
        assert option in options, f"terraform/example sets {option}, which is no option"


def unquoted(text: str) -> str:
    return text.strip('"')


def main() -> None:
    check_kubernetes([document for document in yaml.safe_load_all(sys.stdin) if document])
    check_rock()
    check_dockerfile()
    if (TREE / "metadata.yaml").exists():
        check_terraform()


main()
