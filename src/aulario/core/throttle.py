"""Slows down those who guess: counts attempts by account and by address, before anything dear is done for them."""

from aulario.backends.cache import Cache
from aulario.core.errors import TooManyRequests


class Throttle:
    """Rates such as "10/minute": `account` for one name, whoever asks; `address` for one asker, whatever the name."""

    def __init__(self, cache: Cache, account: str, address: str) -> None:
        self._cache, self._account, self._address = cache, account, address

    async def check(self, route: str, address: str, account: str | None = None) -> None:
        """Count an attempt; raises TooManyRequests with the seconds to wait."""
        wait = await self._cache.hit(self._address, route, "address", address)
        if not wait and account is not None:
            wait = await self._cache.hit(self._account, route, "account", account)
        if wait:
            message = "too many attempts; wait a little and try again"
            raise TooManyRequests(message, retry_after=wait)
