"""The broker contract: how a handler is given the events of a topic, and says that it has them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope


class Log(Protocol):
    """A service's outbox, as a broker reads it."""

    async def after(self, position: int, topic: str, limit: int) -> list[Envelope]: ...

    async def last(self) -> int: ...

    def listen(self) -> Callable[[], Awaitable[None]]:
        """Give a wait that returns when something may have been added."""
        ...


class Subscription(Protocol):
    """One handler's place in one topic.

    Promises: every event of the topic is given at least once, those of one key in the order they were recorded; a batch
    that was not acknowledged is given again. Not promised: order across keys, or that an event comes only once.
    """

    async def next(self) -> list[Envelope]:
        """Wait until there is something, and give it in order."""
        ...

    def begin(self, transaction: Transaction) -> None:
        """Store where a new handler begins, so that what happens before its first batch is not passed over."""
        ...

    def keep(self, transaction: Transaction, batch: list[Envelope]) -> None:
        """Store the new place, where the broker has none of its own, in the transaction that takes the batch."""
        ...

    async def acknowledge(self, batch: list[Envelope]) -> None:
        """Move on; called after that transaction is on disk."""
        ...


class Broker(Protocol):
    """Gives out subscriptions; `position` is the place kept for this handler, None for a handler that is new."""

    async def subscribe(self, handler: str, topic: str, position: int | None, *, from_first: bool) -> Subscription: ...

    def taken(self) -> Mapping[str, int]:
        """Give the position up to which everybody who follows a topic here has its events."""
        ...
