"""Packs the charm: the same input always gives the same bytes. `tools/charm pack` calls it.

It makes what `charmcraft pack` would make on Ubuntu 24.04, on any machine: a zip of Juju's YAML files, a manifest that names
the base, `dispatch`, `src/charm.py`, and in `venv/` all that it imports.
"""

import pathlib
import shutil
import subprocess
import sys
import zipfile

# Zip files know no earlier time.
LONG_AGO = (1980, 1, 1, 0, 0, 0)
JUJU = ("metadata.yaml", "config.yaml", "actions.yaml", "LICENSE")
# What Ubuntu 24.04 takes.
GLIBC = ("manylinux_2_39", "manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

MANIFEST = """\
analysis:
  attributes:
  - name: language
    result: python
  - name: framework
    result: operator
bases:
- architectures:
  - {architecture}
  channel: '24.04'
  name: ubuntu
"""


def install(requirements: pathlib.Path, machine: str, folder: pathlib.Path):
    """Puts the wheels of other people into the folder, chosen for Ubuntu 24.04's Python, whatever this machine has."""
    wanted, installed = requirements.read_bytes(), folder.with_name("installed.txt")
    if folder.exists() and installed.exists() and installed.read_bytes() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    platforms = [argument for glibc in GLIBC for argument in ("--platform", f"{glibc}_{machine}")]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"]
        + ["--require-hashes", "--only-binary=:all:", "--python-version=3.12", "--implementation=cp", *platforms]
        + ["--target", str(folder), "--requirement", str(requirements)],
        check=True,
    )
    installed.write_bytes(wanted)


def is_shipped(name: pathlib.PurePath) -> bool:
    """Not what only this machine can use, nor what nobody runs."""
    # `ops` brings the parts of its tests that charms import; ours does not.
    return not ({"__pycache__", "bin", "tests", "test"} & set(name.parts)) and name.suffix not in (".pyc", ".pyi")


def contents(tree: pathlib.Path, wheel: pathlib.Path, installed: pathlib.Path, architecture: str):
    """All files: name, bytes, whether it can be run."""
    for name in JUJU:
        yield name, (tree / name).read_bytes(), False
    yield "manifest.yaml", MANIFEST.format(architecture=architecture).encode(), False
    yield "dispatch", (tree / "charm/dispatch").read_bytes(), True
    yield "src/charm.py", (tree / "charm/src/charm.py").read_bytes(), True
    with zipfile.ZipFile(wheel) as ours:
        for name in ours.namelist():
            # The module alone: the wheel's own list of files has the times of its making.
            if name.endswith(".so"):
                yield f"venv/{pathlib.PurePath(name).name}", ours.read(name), True
    for path in installed.rglob("*"):
        name = path.relative_to(installed)
        if path.is_file() and is_shipped(name):
            yield f"venv/{name}", path.read_bytes(), path.suffix == ".so"


def pack(files, charm: pathlib.Path):
    """Writes the zip, sorted by name, all times alike."""
    charm.parent.mkdir(parents=True, exist_ok=True)
    new = charm.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content, can_run in sorted(files):
            info = zipfile.ZipInfo(name, LONG_AGO)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if can_run else 0o100644) << 16
            packed.writestr(info, content)
    new.replace(charm)


def main(wheel: pathlib.Path, work: pathlib.Path, charm: pathlib.Path):
    """Packs one wheel of ours."""
    tree = pathlib.Path(__file__).resolve().parent.parent
    machine = next(machine for machine in ARCHITECTURES if wheel.stem.endswith(machine))
    installed = work / "site-packages"
    install(tree / "charm/requirements.txt", machine, installed)
    pack(contents(tree, wheel, installed, ARCHITECTURES[machine]), charm)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:4]))
