"""`local:` has no broker at all: handlers read the outboxes themselves, and the outbox is the log."""

from collections.abc import Callable, Mapping

from aulario.backends.broker import Broker, Log, Subscription
from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope

BATCH = 128
"""Events taken in one transaction at most."""

_KEEP = "INSERT INTO positions (handler, position) VALUES (?, ?) ON CONFLICT (handler) DO UPDATE SET position = ?"


class LocalBroker(Broker):
    """Reads each topic from the log of the service that records it."""

    def __init__(self, log_of: Callable[[str], Log]) -> None:
        self._log_of = log_of
        self._given: list[LocalSubscription] = []

    async def subscribe(self, handler: str, topic: str, position: int | None, *, from_first: bool) -> Subscription:
        log = self._log_of(topic)
        if position is None:
            position = 0 if from_first else await log.last()
        self._given.append(LocalSubscription(handler, topic, log, position))
        return self._given[-1]

    def taken(self) -> Mapping[str, int]:
        places: dict[str, int] = {}
        for given in self._given:
            places[given.topic] = min(given.position, places.get(given.topic, given.position))
        return places


class LocalSubscription(Subscription):
    """A position in another service's outbox, kept in the consumer's own database beside what it did."""

    def __init__(self, handler: str, topic: str, log: Log, position: int) -> None:
        self._handler, self.topic, self._log = handler, topic, log
        self.position = position
        self._wait = log.listen()

    async def next(self) -> list[Envelope]:
        while True:
            batch = await self._log.after(self.position, self.topic, BATCH)
            if batch:
                return batch
            await self._wait()

    def begin(self, transaction: Transaction) -> None:
        transaction.run(_KEEP, (self._handler, self.position, self.position))

    def keep(self, transaction: Transaction, batch: list[Envelope]) -> None:
        position = batch[-1].sequence
        transaction.run(_KEEP, (self._handler, position, position))

    async def acknowledge(self, batch: list[Envelope]) -> None:
        self.position = batch[-1].sequence
