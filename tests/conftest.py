"""What every test shares: the event loop that production runs on, and an instant to begin at."""

from datetime import UTC, datetime

import pytest

from aulario.kit.clock import ManualClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Give AnyIO's plugin uvloop, as `aulario up` uses; async tests need no mark."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)
