"""Looks now and then at what waits: how much of an outbox is not taken, since when, and what an inbox holds back."""

from collections.abc import Mapping
from datetime import datetime

from aulario.backends.database import Transaction
from aulario.core import telemetry
from aulario.core.unit_of_work import Store

_UNTAKEN = "SELECT count(*), min(time) FROM outbox WHERE topic = ? AND sequence > ?"
_WAITING = "SELECT count(*) FROM inbox WHERE status IN ('waiting', 'claimed')"


async def measure(store: Store, taken: Mapping[str, int]) -> None:
    """Set a service's gauges; `taken` is how far each topic's followers are, topics of others among them."""

    def look(transaction: Transaction) -> tuple[int, str | None, int]:
        found = [transaction.run(_UNTAKEN, place).fetchone() for place in taken.items()]
        (waiting,) = transaction.run(_WAITING).fetchone()
        return sum(count for count, _ in found), min((time for _, time in found if time), default=None), waiting

    depth, oldest, waiting = await store.database.read(look)
    age = (store.clock.now() - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0
    telemetry.OUTBOX_DEPTH.labels(store.service).set(depth)
    telemetry.OUTBOX_AGE.labels(store.service).set(max(0, age))
    telemetry.INBOX_WAITING.labels(store.service).set(waiting)
