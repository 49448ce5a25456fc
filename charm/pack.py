"""Packs the charm reproducibly. `tools/charm pack` calls it.

On any machine it makes what `charmcraft pack` makes on Ubuntu 24.04: a zip with Juju's YAML files, a manifest with the base,
`dispatch`, `src/charm.py`, and its imports in `venv/`.
"""

import pathlib
import shutil
import subprocess
import sys
import zipfile

# The earliest time in zip files.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
JUJU = ("metadata.yaml", "config.yaml", "actions.yaml", "LICENSE")
# The wheels that Ubuntu 24.04 supports.
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
    """Installs the required wheels for the Python of Ubuntu 24.04 into the folder."""
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
    """Whether the charm contains the file: no byte code, programs, tests or type stubs."""
    # `ops` contains test helpers that this charm does not import.
    return not ({"__pycache__", "bin", "tests", "test"} & set(name.parts)) and name.suffix not in (".pyc", ".pyi")


def contents(tree: pathlib.Path, wheel: pathlib.Path, installed: pathlib.Path, architecture: str):
    """All files: name, content, whether it is executable."""
    for name in JUJU:
        yield name, (tree / name).read_bytes(), False
    yield "manifest.yaml", MANIFEST.format(architecture=architecture).encode(), False
    yield "dispatch", (tree / "charm/dispatch").read_bytes(), True
    yield "src/charm.py", (tree / "charm/src/charm.py").read_bytes(), True
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            # Only the module: the wheel's metadata contains build times.
            if name.endswith(".so"):
                yield f"venv/{pathlib.PurePath(name).name}", archive.read(name), True
    for path in installed.rglob("*"):
        name = path.relative_to(installed)
        if path.is_file() and is_shipped(name):
            yield f"venv/{name}", path.read_bytes(), path.suffix == ".so"


def pack(files, charm: pathlib.Path):
    """Writes the zip, sorted by name and with fixed times."""
    charm.parent.mkdir(parents=True, exist_ok=True)
    new = charm.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content, is_executable in sorted(files):
            info = zipfile.ZipInfo(name, FIXED_TIME)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if is_executable else 0o100644) << 16
            packed.writestr(info, content)
    new.replace(charm)


def main(wheel: pathlib.Path, work: pathlib.Path, charm: pathlib.Path):
    """Packs the charm with the given wheel of its module."""
    tree = pathlib.Path(__file__).resolve().parent.parent
    machine = next(machine for machine in ARCHITECTURES if wheel.stem.endswith(machine))
    installed = work / "site-packages"
    install(tree / "charm/requirements.txt", machine, installed)
    pack(contents(tree, wheel, installed, ARCHITECTURES[machine]), charm)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:4]))
