"""What every test shares: the event loop that production runs on."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Give AnyIO's plugin uvloop, as `aulario up` uses; async tests need no mark."""
    return "asyncio", {"use_uvloop": True}
