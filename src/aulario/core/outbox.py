"""The outbox: a service's events, stored with the rows they tell of; append-only, and its order is the truth."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import astuple

from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope
from aulario.core.models import micros

# Every column but the last, the sequence, which the database gives. All that is formatted in is our own constants.
_COLUMNS = ", ".join(Envelope.__struct_fields__[:-1])
_APPEND = f"INSERT INTO outbox ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_READ = f"SELECT {_COLUMNS}, sequence FROM outbox"  # noqa: S608 - constants
_DEFER = f"""INSERT INTO due_events ({_COLUMNS}, due, missed, tolerance)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""  # noqa: S608 - constants
_DUE = f"SELECT {_COLUMNS}, due, missed, tolerance FROM due_events WHERE due <= ? ORDER BY due LIMIT ?"  # noqa: S608 - constants
_WITHDRAW = "DELETE FROM due_events WHERE tenant = ? AND topic = ? AND key = ?"


class DueEvent(NamedTuple):
    """An event that waits for its instant, with what becomes of it when the instant was missed (seconds late)."""

    envelope: Envelope
    due: int
    missed: str
    tolerance: int


def append(transaction: Transaction, envelopes: Iterable[Envelope]) -> None:
    for envelope in envelopes:
        transaction.run(_APPEND, _values(envelope))


def after(transaction: Transaction, position: int, topic: str, limit: int) -> list[Envelope]:
    """Give the next events of a topic behind a position, in order."""
    statement = f"{_READ} WHERE topic = ? AND sequence > ? ORDER BY sequence LIMIT ?"
    return [Envelope(*row) for row in transaction.run(statement, (topic, position, limit)).fetchall()]


def last(transaction: Transaction) -> int:
    """Give the position of the newest event, 0 when there was never one."""
    found = transaction.run("SELECT max(sequence) FROM outbox").fetchone()
    return int(found[0] or 0)


def find(transaction: Transaction, event_id: str) -> Envelope | None:
    row = transaction.run(f"{_READ} WHERE id = ?", (event_id,)).fetchone()
    return Envelope(*row) if row else None


def newest(transaction: Transaction, tenant: str | None, topic: str | None, before: int, limit: int) -> list[Envelope]:
    """Give events backwards from a position, for people who look; of one tenant and topic, or of all."""
    statement = f"{_READ} WHERE sequence < ? AND (? IS NULL OR tenant = ?) AND (? IS NULL OR topic = ?)"
    parameters = (before, tenant, tenant, topic, topic, limit)
    return [
        Envelope(*row) for row in transaction.run(f"{statement} ORDER BY sequence DESC LIMIT ?", parameters).fetchall()
    ]


def defer(transaction: Transaction, event: DueEvent) -> None:
    transaction.run(_DEFER, (*_values(event.envelope), event.due, event.missed, event.tolerance))


def withdraw(transaction: Transaction, tenant: str, topic: str, key: str) -> int:
    """Forget the due events of a topic and key; gives how many there were."""
    return transaction.run(_WITHDRAW, (tenant, topic, key)).rowcount


def due(transaction: Transaction, now: datetime, limit: int) -> list[DueEvent]:
    rows = transaction.run(_DUE, (micros(now), limit)).fetchall()
    return [DueEvent(Envelope(*row[:-3]), *row[-3:]) for row in rows]


def next_due(transaction: Transaction) -> int | None:
    """Give the earliest instant, in microseconds since 1970, at which an event falls due."""
    found: int | None = transaction.run("SELECT min(due) FROM due_events").fetchone()[0]
    return found


def undefer(transaction: Transaction, event_id: str) -> None:
    transaction.run("DELETE FROM due_events WHERE id = ?", (event_id,))


def _values(envelope: Envelope) -> tuple[Any, ...]:
    return astuple(envelope)[:-1]
