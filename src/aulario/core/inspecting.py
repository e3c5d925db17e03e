"""What people are shown of a service's events: how far its handlers got, what followed, how much is kept."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope
from aulario.core import inbox
from aulario.core.models import instant

NEAR = 20_000
"""Events looked through for those of one request; they follow at once, or are not worth the search."""

_STATES = "SELECT handler, status, attempts, due, error, taken_at FROM inbox WHERE event_id = ? AND handler IN ({})"
_FIELDS = ", ".join(Envelope.__struct_fields__)
_LATER = f"""SELECT {_FIELDS} FROM (SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT {NEAR})
WHERE request_id = ? AND tenant = ? ORDER BY id LIMIT 100"""  # noqa: S608 - our own constants
_SIZES = """SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM due_events), (SELECT count(*) FROM inbox),
(SELECT count(*) FROM inbox WHERE status IN ('waiting', 'claimed')),
(SELECT count(*) FROM inbox WHERE status = 'dead')"""


class State(NamedTuple):
    """How far one handler is with one event: `coming`, `done`, `waiting`, `claimed`, `dead`, or `passed` untaken."""

    handler: str
    status: str
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None
    taken: datetime | None = None


class Sizes(NamedTuple):
    """How many rows a service keeps of events."""

    outbox: int
    due: int
    inbox: int
    waiting: int
    dead: int


def states(transaction: Transaction, handlers: Collection[str], event: Envelope) -> list[State]:
    """Tell what each of a service's handlers did with an event, in the order they are given."""
    rows = transaction.run(_STATES.format(_marks(handlers)), (event.id, *handlers)).fetchall()
    taken = {row[0]: _state(*row) for row in rows}
    return [taken.get(name) or _untaken(transaction, name, event) for name in handlers]


def later(transaction: Transaction, event: Envelope) -> list[Envelope]:
    """Give this service's events of the same request that came after one, oldest first."""
    rows = transaction.run(_LATER, (event.id, event.request_id, event.tenant)).fetchall()
    return [Envelope(*row) for row in rows]


def sizes(transaction: Transaction) -> Sizes:
    return Sizes(*transaction.run(_SIZES).fetchone())


def _untaken(transaction: Transaction, handler: str, event: Envelope) -> State:
    # A handler passes what was recorded before it began, and what the sweeper has forgotten since.
    place = inbox.position(transaction, handler)
    return State(handler, "coming" if place is None or place < event.sequence else "passed")


def _state(handler: str, status: str, attempts: int, due: int | None, error: str | None, taken: int) -> State:
    return State(handler, status, attempts, None if due is None else instant(due), error, instant(taken))


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
