"""Moves due events into the outbox when their instant has come, each once, late ones as their type says."""

from collections.abc import Awaitable, Callable

from aulario.backends.broker import Log
from aulario.backends.database import Step, Transaction
from aulario.contracts.event import Envelope
from aulario.core import outbox, telemetry
from aulario.core.models import instant, micros
from aulario.core.unit_of_work import Store
from aulario.kit.crash import crash_point

STEP = 256
"""Due events moved in one transaction at most, so that a burst never holds up the requests."""
LOOK_SECONDS = 1.0
"""How often the outbox is looked at without having been woken: another process may have written to it."""


class Relay:
    """One service's due events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def promote(self) -> int:
        """Move what is due now; gives how many were looked at, STEP when there may be more."""
        (count,) = await self._store.write([Step(self._promote)])
        if isinstance(count, Exception):
            raise count
        crash_point(self._store.service, "relay.after_commit")
        return count

    async def seconds_to_next(self, longest: float) -> float:
        """Give how long nothing falls due; at most `longest`, for clocks may step."""
        due = await self._store.database.read(outbox.next_due)
        if due is None:
            return longest
        return max(0.0, min(longest, (instant(due) - self._store.clock.now()).total_seconds()))

    def _promote(self, transaction: Transaction) -> int:
        now = self._store.clock.now()
        found = outbox.due(transaction, now, STEP)
        for event in found:
            late = (micros(now) - event.due) // 1_000_000 > event.tolerance
            skipped = late and event.missed == "skip"
            if late:
                telemetry.MISSED.labels(event.envelope.topic, "skipped" if skipped else "late").inc()
            if not skipped:
                outbox.append(transaction, [event.envelope])
            outbox.undefer(transaction, event.envelope.id)
        crash_point(self._store.service, "relay.before_commit")
        return len(found)


class StoreLog(Log):
    """A service's outbox, as a broker reads it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def after(self, position: int, topic: str, limit: int) -> list[Envelope]:
        return await self._store.database.glance(lambda transaction: outbox.after(transaction, position, topic, limit))

    async def last(self) -> int:
        return await self._store.database.read(outbox.last)

    def listen(self) -> Callable[[], Awaitable[None]]:
        listener = self._store.committed.listen()
        return lambda: listener.wait(LOOK_SECONDS)
