"""The cache contract: what may be forgotten without harm. At present, the counting of attempts."""

from typing import Protocol


class Cache(Protocol):
    """A store of counts that is shared by all who must share a limit.

    Promises: attempts are counted over a moving window, each key on its own, and the parts of a key never run into
    one another. An attempt that is refused is not counted. Memory is bounded by the keys tried within a window.
    """

    async def hit(self, rate: str, *key: str) -> float:
        """Count an attempt against a rate such as "10/minute": 0.0 if allowed, else the seconds to wait.

        Raises ValueError for what is no rate.
        """
        ...

    async def reset(self, rate: str, *key: str) -> None:
        """Forget the attempts, as after a login that succeeded."""

    async def close(self) -> None: ...
