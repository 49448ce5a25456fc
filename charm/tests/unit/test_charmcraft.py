"""Validates the charm's files with charmcraft's own models, as `charmcraft pack` does."""

import yaml
from charmcraft import const, models
from charmcraft.models import actions, config
from charmcraft.models.project import PlatformCharm
from deployment import TREE


def load(name: str) -> dict:
    return yaml.safe_load((TREE / name).read_text())


def test_charmcraft_accepts_the_project():
    project = load("charmcraft.yaml")
    # Charmcraft merges the files and refuses a section that is in both.
    metadata = load("metadata.yaml")
    assert not set(project) & set(metadata)
    for name in ("name", "title", "summary", "description"):
        project[name] = metadata[name]
    platforms = {name: value or {"build-on": [name], "build-for": [name]} for name, value in project["platforms"].items()}
    charm = PlatformCharm.unmarshal(project | {"platforms": platforms})
    assert charm.base == "ubuntu@24.04"
    assert set(charm.platforms) == {"amd64", "arm64"}


def test_charmcraft_accepts_metadata_options_and_actions():
    metadata = models.CharmMetadataLegacy.unmarshal(load("metadata.yaml"))
    assert metadata.name == "cluster-manager-k8s"
    assert len(config.JujuConfig.unmarshal(load("config.yaml")).options) > 10
    # Its model of actions fails with the required version of pydantic, so only its rule for names is tested.
    rule = actions.JujuActions.__private_attributes__["_action_name_regex"].default
    assert all(rule.match(name) for name in load("actions.yaml"))
    assert {"metadata.yaml", "config.yaml", "actions.yaml"} == {
        const.METADATA_FILENAME,
        const.JUJU_CONFIG_FILENAME,
        const.JUJU_ACTIONS_FILENAME,
    }
