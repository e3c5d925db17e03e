"""How long a start on existing data takes until it is ready, and what the idle platform weighs."""

import tempfile
import time
from pathlib import Path
from typing import Any

from bench.platform import running

IDLE_SECONDS = 2.0


def start() -> dict[str, Any]:
    """Seed a folder, then start on it again."""
    with tempfile.TemporaryDirectory(prefix="aulario-bench-") as folder:
        with running(Path(folder)) as platform:
            time.sleep(IDLE_SECONDS)
            memory = platform.memory_mb()
        with running(Path(folder)) as platform:
            return {"start_seconds": platform.ready_seconds, "memory_mb": memory}
