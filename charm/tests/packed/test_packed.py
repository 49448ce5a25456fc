"""The packed charm is reproducible, small and complete, and works. `tools/charm test-packed` packs it first."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

TREE = pathlib.Path(__file__).parents[3]
WORK = TREE / "target/charm"
CHARM = TREE / "target/cluster-manager-k8s.charm"
MAX_CHARM_BYTES = 15 * 1024 * 1024


def test_packing_is_reproducible(tmp_path):
    (wheel,) = (WORK / "wheels").glob("*.whl")
    for name in ("one.charm", "two.charm"):
        command = [sys.executable, TREE / "charm/pack.py", wheel, WORK, tmp_path / name]
        subprocess.run(command, check=True)
    assert (tmp_path / "one.charm").read_bytes() == (tmp_path / "two.charm").read_bytes() == CHARM.read_bytes()


def test_charm_is_small_and_has_the_files_that_juju_needs():
    assert CHARM.stat().st_size < MAX_CHARM_BYTES
    with zipfile.ZipFile(CHARM) as packed:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in packed.infolist()}
    assert {"metadata.yaml", "config.yaml", "actions.yaml", "manifest.yaml", "LICENSE"} <= set(modes)
    assert modes["dispatch"] == modes["src/charm.py"] == 0o755
    assert list(modes) == sorted(modes)


def test_charm_imports_with_only_its_own_packages(tmp_path):
    with zipfile.ZipFile(CHARM) as packed:
        packed.extractall(tmp_path)
    assert sys.version_info[:2] == (3, 12)
    # The interpreter without the packages of this environment.
    base = pathlib.Path(sys.base_prefix) / "bin/python3.12"
    code = "import sys, charm, cluster_manager_charm; assert cluster_manager_charm.__file__.startswith(sys.path[1])"
    environment = {"PYTHONPATH": f"{tmp_path}/venv:{tmp_path}/src", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([base, "-B", "-c", code], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts and a network of its own need root")
def test_packed_charm_enrols_a_cluster(tmp_path):
    play = pathlib.Path(__file__).with_name("play.py")
    pebble = subprocess.run([TREE / "tools/program", "pebble"], check=True, capture_output=True, text=True).stdout.strip()
    result = subprocess.run(
        ["unshare", "--mount", "--net", sys.executable, play, tmp_path, CHARM, os.environ["PROGRAMS"], pebble],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "status: active" in result.stdout and 'Joined as "berlin"' in result.stdout
