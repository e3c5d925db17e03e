"""Counts in this process's memory: all that the one-process shape needs."""

import threading
import time
from collections import OrderedDict, defaultdict
from functools import cache
from hashlib import sha256

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_rate = cache(parse)
_SHORTEST_WAIT = 0.01
_FORGOTTEN_A_HIT = 2


class MemoryCache:
    """Called from one event loop; nothing here waits."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._storage.timer.cancel()
        self._storage.timer.join()
        self._storage.timer = _NoTimer()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._last: defaultdict[RateLimitItem, OrderedDict[str, float]] = defaultdict(OrderedDict)

    async def hit(self, rate: str, *key: str) -> float:
        limit, name = _rate(rate), _name(key)
        self._forget_expired(limit)
        if self._limiter.hit(limit, name):
            self._last[limit][name] = time.time()
            self._last[limit].move_to_end(name)
            return 0.0
        return max(_SHORTEST_WAIT, self._limiter.get_window_stats(limit, name).reset_time - time.time())

    async def reset(self, rate: str, *key: str) -> None:
        self._forget(_rate(rate), _name(key))

    async def close(self) -> None:
        self._storage.reset()
        self._last.clear()

    def _forget_expired(self, limit: RateLimitItem) -> None:
        """Drop the longest idle keys. Two a hit is more than a hit can add, so memory stays bounded."""
        horizon = time.time() - limit.get_expiry()
        idle = self._last[limit]
        for _ in range(_FORGOTTEN_A_HIT):
            if not idle or next(iter(idle.values())) >= horizon:
                return
            self._forget(limit, next(iter(idle)))

    def _forget(self, limit: RateLimitItem, name: str) -> None:
        self._last[limit].pop(name, None)
        self._limiter.clear(limit, name)


class _NoTimer(threading.Timer):
    """Keeps the storage from expiring by itself.

    Its own timer starts a thread up to 100 times a second that reads every key (at 20,000 keys, 80% of a core), and
    keeps an empty window for every key ever tried.
    """

    def __init__(self) -> None:
        super().__init__(0, lambda: None)

    def is_alive(self) -> bool:
        return True


def _name(key: tuple[str, ...]) -> str:
    # limits joins the parts with "/", which a client may put into an account's name; and names can be long.
    return sha256(ascii(key).encode()).hexdigest()
