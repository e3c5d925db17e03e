"""Guessing is slowed down by account and by address, each on its own."""

from collections.abc import AsyncIterator

import pytest

from aulario.backends.cache.memory import MemoryCache
from aulario.core.errors import TooManyRequests
from aulario.core.throttle import Throttle

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
async def throttle() -> AsyncIterator[Throttle]:
    cache = MemoryCache()
    yield Throttle(cache, account="2/minute", address="4/minute")
    await cache.close()


async def test_an_account_is_guarded_from_all_addresses(throttle: Throttle) -> None:
    """Two attempts for one name, from wherever; another name is not concerned."""
    await throttle.check("sign-in", HERE, "ana")
    await throttle.check("sign-in", THERE, "ana")
    with pytest.raises(TooManyRequests) as caught:
        await throttle.check("sign-in", "192.0.2.3", "ana")
    assert 0 < caught.value.retry_after <= 60
    await throttle.check("sign-in", THERE, "ben")


async def test_an_address_is_slowed_whatever_the_account(throttle: Throttle) -> None:
    """Four attempts from one address, be it for four names; another address goes on."""
    for name in ("a", "b", "c", "d"):
        await throttle.check("sign-in", HERE, name)
    with pytest.raises(TooManyRequests):
        await throttle.check("sign-in", HERE, "e")
    await throttle.check("sign-in", THERE, "e")


async def test_routes_are_counted_apart(throttle: Throttle) -> None:
    """Who used up one route may still use another."""
    for _ in range(4):
        await throttle.check("sign-in", HERE)
    await throttle.check("reset", HERE)
