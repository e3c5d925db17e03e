"""What is installed is locked, and what is tracked names no package registry (docs/decisions/0002)."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.reading import ROOT

# In pieces, or this file would hold what it looks for.
REGISTRIES = [".".join(host).encode() for host in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_no_file_names_a_registry() -> None:
    """Each machine fetches packages from where it is set up to, never from an address of ours."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    assert listed.returncode == 0, listed.stderr
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = [str(path) for path in paths if path.is_file() and any(host in path.read_bytes() for host in REGISTRIES)]
    assert not found, f"run `make lock` if it is uv.lock: {found}"


def test_the_lock_is_fresh() -> None:
    """uv.lock answers exactly what pyproject.toml asks for."""
    checked = run(str(Path(sys.executable).with_name("uv")), "lock", "--check", "--offline")
    assert checked.returncode == 0, f"run `make lock`\n{checked.stderr}"


def test_every_locked_package_has_a_hash() -> None:
    """Nothing can be installed that is not byte for byte what was locked."""
    packages = (ROOT / "uv.lock").read_text().split("[[package]]")[1:]
    unhashed = [package.split('"')[1] for package in packages if "hash = " not in package]
    assert unhashed == ["aulario"]
