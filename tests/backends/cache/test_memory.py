"""Counting attempts in memory."""

import threading
import time
from dataclasses import dataclass

import pytest
from limits import parse

from aulario.backends.cache.memory import MemoryCache


@dataclass
class Time:
    """The seconds that the limits library is told."""

    now: float = 1_800_000_000.0


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> Time:
    told = Time()
    monkeypatch.setattr(time, "time", lambda: told.now)
    return told


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


async def test_allows_as_many_as_the_rate_says(cache: MemoryCache, instant: Time) -> None:
    """Attempts up to the rate pass; the next is told how long the first one still counts."""
    assert [await cache.hit("3/minute", "login", "ana") for _ in range(3)] == [0.0] * 3
    instant.now += 20
    assert await cache.hit("3/minute", "login", "ana") == pytest.approx(40)


async def test_window_moves(cache: MemoryCache, instant: Time) -> None:
    """Each attempt leaves the window by itself: no burst at the turn of a minute."""
    for _ in range(2):
        assert await cache.hit("2/minute", "k") == 0.0
        instant.now += 30
    instant.now += 1
    assert await cache.hit("2/minute", "k") == 0.0
    assert await cache.hit("2/minute", "k") == pytest.approx(29)


async def test_refused_attempts_do_not_count(cache: MemoryCache, instant: Time) -> None:
    """Who keeps knocking is let in as soon as who waited."""
    await cache.hit("1/minute", "k")
    for _ in range(30):
        instant.now += 2
        assert await cache.hit("1/minute", "k") > 0.0
    instant.now += 0.5
    assert await cache.hit("1/minute", "k") == 0.0


async def test_a_refusal_is_never_a_wait_of_zero(cache: MemoryCache, instant: Time) -> None:
    """At the very edge of the window an attempt is refused with a wait, for 0.0 means allowed."""
    await cache.hit("1/minute", "k")
    instant.now += 60
    assert await cache.hit("1/minute", "k") > 0.0


OTHERS = [("login", "eva"), ("login",), ("login/ana",), ("login", "ana", ""), ("log", "in", "ana"), ()]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
async def test_keys_do_not_run_into_one_another(cache: MemoryCache, other: tuple[str, ...]) -> None:
    """Keys count apart, also when their parts would read the same once joined."""
    assert await cache.hit("1/minute", "login", "ana") == 0.0
    assert await cache.hit("1/minute", *other) == 0.0


async def test_rates_count_apart(cache: MemoryCache) -> None:
    """One key under two rates has two windows."""
    assert await cache.hit("1/minute", "k") == 0.0
    assert await cache.hit("1/hour", "k") == 0.0


async def test_reset_forgets(cache: MemoryCache) -> None:
    """After a reset the key has its whole rate again, and another key is as it was."""
    for key in ("ana", "eva"):
        await cache.hit("1/hour", key)
    await cache.reset("1/hour", "ana")
    await cache.reset("1/hour", "never seen")
    assert await cache.hit("1/hour", "ana") == 0.0
    assert await cache.hit("1/hour", "eva") > 0.0


@pytest.mark.parametrize("rate", ["", "ten a minute", "10", "10/fortnight"])
async def test_a_wrong_rate_is_refused(cache: MemoryCache, rate: str) -> None:
    """A rate that cannot be read is an error, not a limit of none."""
    with pytest.raises(ValueError, match=r"rate limit|granularity"):
        await cache.hit(rate, "k")


async def test_memory_is_bounded_by_the_window(cache: MemoryCache, instant: Time) -> None:
    """Keys whose window has passed are dropped as others come, however many names an attacker makes up."""
    for number in range(300):
        await cache.hit("5/minute", f"made up {number}")
    instant.now += 61
    for number in range(200):
        await cache.hit("5/minute", f"later {number}")
    assert len(cache._storage.events) == 200  # noqa: SLF001 - what is kept is not to be seen from outside
    assert len(cache._last[parse("5/minute")]) == 200  # noqa: SLF001 - as above


async def test_no_thread_is_left_running() -> None:
    """Neither in use nor after closing does the cache hold a thread."""
    before = threading.active_count()
    cache = MemoryCache()
    await cache.hit("5/minute", "k")
    assert threading.active_count() == before
    await cache.close()
    assert await cache.hit("1/minute", "k") == 0.0
    assert threading.active_count() == before
