"""The import contracts of .importlinter hold: layers, services apart, backends and settings behind app."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.reading import ROOT


def test_imports_follow_the_layers() -> None:
    """Nothing imports what stands above it, another service, a real backend or a setting."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
