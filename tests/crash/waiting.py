"""Waits for what is expected, and says what never came."""

import time
from collections.abc import Callable
from typing import TypeVar

from aulario.core.bell import Bell

T = TypeVar("T")

SECONDS = 60.0
"""How long an installation may take to heal."""
LOOK = 0.05


async def until(condition: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """Look until a condition gives something true, and give that; fails after some seconds."""
    pause, deadline = Bell().listen(), time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} seconds it is still not so that {what}"
        await pause.wait(LOOK)
    return found
