"""The inbox: which events a service has taken, how far each handler got with them, and which of them are dead."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec

from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope
from aulario.core.models import instant, micros

FARTHEST = timedelta(minutes=10)
"""Longer than any wait for another attempt."""
HISTORY = 10
"""Failures remembered of one event and handler, newest last."""

_KNOWN = "SELECT 1 FROM inbox WHERE handler = ? AND event_id = ?"
_TAKE = """INSERT INTO inbox (handler, event_id, status, tenant, topic, key, sequence, taken_at, expires, attempts)
VALUES (?, ?, 'done', ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING"""
_HOLD = """INSERT INTO inbox (handler, event_id, status, tenant, topic, key, sequence, taken_at, expires, attempts, due,
error, history, claimed_by, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (handler, event_id) DO UPDATE SET status = excluded.status, attempts = excluded.attempts,
due = excluded.due, error = excluded.error, history = excluded.history, claimed_by = excluded.claimed_by"""
_BLOCKED = """SELECT 1 FROM inbox WHERE handler = ? AND tenant = ? AND key = ? AND sequence < ?
AND status IN ('waiting', 'claimed') LIMIT 1"""
_FINISH = """UPDATE inbox SET status = 'done', due = NULL, envelope = NULL, claimed_by = NULL
WHERE handler = ? AND event_id = ? AND status = ? AND claimed_by IS ?"""
_HELD_SO = "SELECT 1 FROM inbox WHERE handler = ? AND event_id = ? AND status = ? AND claimed_by IS ?"
_UNBLOCK = """UPDATE inbox SET due = ? WHERE handler = ? AND status = 'waiting' AND due IS NULL AND sequence = (SELECT
min(sequence) FROM inbox WHERE handler = ? AND tenant = ? AND key = ? AND status = 'waiting' AND due IS NULL)"""
_HELD = "handler, envelope, status, attempts, due, history, claimed_by"
_ABOUT = f"""SELECT {_HELD} FROM inbox WHERE tenant = ? AND key = ? AND status <> 'done'
ORDER BY sequence"""  # noqa: S608 - constants
_ABANDONED = "UPDATE inbox SET due = ? WHERE status = 'claimed'"


class Failure(msgspec.Struct, frozen=True):
    """One attempt that failed."""

    at: datetime
    error: str


class Held(msgspec.Struct, frozen=True):
    """An event a handler is not through with: `waiting` for its due time, `claimed` by a caller, or `dead`."""

    handler: str
    envelope: Envelope
    status: str = "waiting"
    attempts: int = 0
    due: datetime | None = None
    """None: blocked behind an earlier event of its key."""
    history: list[Failure] = []
    claimed_by: str | None = None


def is_known(transaction: Transaction, handler: str, event_id: str) -> bool:
    return transaction.run(_KNOWN, (handler, event_id)).fetchone() is not None


def take(transaction: Transaction, handler: str, envelope: Envelope, now: datetime, kept: timedelta | None) -> bool:
    """Mark an event as done by a handler, in the transaction of its effect; False when it is known already."""
    return transaction.run(_TAKE, (handler, envelope.id, *_about(envelope, now, kept))).rowcount == 1


def hold(transaction: Transaction, held: Held, now: datetime, kept: timedelta | None) -> None:
    """Keep an event that its handler is not through with, or bring what is kept of it up to date."""
    state = (
        held.attempts,
        None if held.due is None else micros(held.due),
        held.history[-1].error if held.history else None,
        _encode(held.history[-HISTORY:]),
        held.claimed_by,
        _encode(held.envelope),
    )
    about = _about(held.envelope, now, kept)
    transaction.run(_HOLD, (held.handler, held.envelope.id, held.status, *about, *state))


def is_blocked(transaction: Transaction, handler: str, envelope: Envelope) -> bool:
    """Tell whether an earlier event of the same key still waits for this handler."""
    parameters = (handler, envelope.tenant, envelope.key, envelope.sequence)
    return transaction.run(_BLOCKED, parameters).fetchone() is not None


def unblock(transaction: Transaction, handler: str, envelope: Envelope, now: datetime) -> None:
    """Let the next event of the key go, now that this one is done or dead."""
    transaction.run(_UNBLOCK, (micros(now), handler, handler, envelope.tenant, envelope.key))


def finish(transaction: Transaction, held: Held) -> bool:
    """Mark a held event as done; False when it is no longer held just so, because another took it over."""
    parameters = (held.handler, held.envelope.id, held.status, held.claimed_by)
    return transaction.run(_FINISH, parameters).rowcount == 1


def is_held(transaction: Transaction, held: Held) -> bool:
    """Tell whether an event is still held just so; it is not when another process took it over or finished it."""
    parameters = (held.handler, held.envelope.id, held.status, held.claimed_by)
    return transaction.run(_HELD_SO, parameters).fetchone() is not None


def due(transaction: Transaction, now: datetime, handlers: Collection[str], limit: int) -> list[Held]:
    """Give what waits for its next attempt and claims whose lease ran out, for some handlers, by due time.

    What waits for later than anything ever waits for was put there by a clock that was set back since: it is due too.
    """
    marks = ", ".join("?" * len(handlers))
    statement = f"""SELECT {_HELD} FROM inbox WHERE status IN ('waiting', 'claimed')
        AND (due <= ? OR (due > ? AND status = 'waiting'))
        AND handler IN ({marks}) ORDER BY due, sequence LIMIT ?"""  # noqa: S608 - constants and marks
    parameters = (micros(now), micros(now + FARTHEST), *handlers, limit)
    return [held(row) for row in transaction.run(statement, parameters).fetchall()]


def about(transaction: Transaction, tenant: str, key: str) -> list[Held]:
    """Give what is not through of the events of one key: waiting, claimed or dead."""
    return [held(row) for row in transaction.run(_ABOUT, (tenant, key)).fetchall()]


def release_claims(transaction: Transaction, now: datetime) -> int:
    """Make every claim due: for the start of the only process there is, when no caller can be left alive."""
    return transaction.run(_ABANDONED, (micros(now),)).rowcount


def position(transaction: Transaction, handler: str) -> int | None:
    """Give the place a handler has reached in its topic; None when it never took anything."""
    found = transaction.run("SELECT position FROM positions WHERE handler = ?", (handler,)).fetchone()
    return None if found is None else int(found[0])


def held(row: tuple[Any, ...]) -> Held:
    """Make a Held of a row of `handler, envelope, status, attempts, due, history, claimed_by`."""
    handler, envelope, status, attempts, due_at, history, claimed_by = row
    return Held(
        handler,
        msgspec.json.decode(envelope, type=Envelope),
        status,
        attempts,
        None if due_at is None else instant(due_at),
        msgspec.json.decode(history, type=list[Failure]),
        claimed_by,
    )


def _about(envelope: Envelope, now: datetime, kept: timedelta | None) -> tuple[Any, ...]:
    expires = None if kept is None else micros(now + kept)
    return (envelope.tenant, envelope.topic, envelope.key, envelope.sequence, micros(now), expires)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
