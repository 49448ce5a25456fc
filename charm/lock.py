"""Makes `requirements.txt` from `requirements.in`: every package with its version and hashes, for Python 3.12 on the
architectures of the charm. `tools/charm lock` calls it."""

import json
import pathlib
import subprocess
import sys
import tempfile

PLATFORMS = ("x86_64", "aarch64")
# The wheels that Ubuntu 24.04 supports.
GLIBC = ("manylinux_2_39", "manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


def resolve(requirements: pathlib.Path, machine: str) -> dict[str, set[str]]:
    """The packages with their hashes, as pip resolves them for an architecture."""
    platforms = [argument for glibc in GLIBC for argument in ("--platform", f"{glibc}_{machine}")]
    with tempfile.TemporaryDirectory() as target:
        report = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
            + ["--ignore-installed", "--report", "-", "--only-binary=:all:", "--python-version=3.12"]
            + ["--target", target, *platforms, "--requirement", str(requirements)],
            check=True,
            capture_output=True,
            text=True,
        )
    packages: dict[str, set[str]] = {}
    for package in json.loads(report.stdout)["install"]:
        name = f"{package['metadata']['name'].lower().replace('_', '-')}=={package['metadata']['version']}"
        packages.setdefault(name, set()).add(package["download_info"]["archive_info"]["hashes"]["sha256"])
    return packages


def main(requirements: pathlib.Path):
    """Writes the lock file beside the requirements."""
    packages: dict[str, set[str]] = {}
    for machine in PLATFORMS:
        for name, hashes in resolve(requirements, machine).items():
            packages.setdefault(name, set()).update(hashes)
    lines = [f"# Made from {requirements.name} by: tools/charm lock"]
    for name in sorted(packages):
        lines += [f"{name} \\", " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(packages[name]))]
    requirements.with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
