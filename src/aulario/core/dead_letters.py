"""Dead letters: what handlers gave up, grouped for people, and replayed as often as wanted without a second effect."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aulario.backends.database import Transaction
from aulario.core import inbox
from aulario.core.inbox import Held
from aulario.core.models import instant, micros

_GROUPS = """SELECT handler, topic, error, count(*), min(taken_at), max(taken_at) FROM inbox
WHERE status = 'dead' AND (? IS NULL OR tenant = ?) GROUP BY handler, topic, error ORDER BY count(*) DESC, handler"""
_CHOSEN = """status = 'dead' AND (? IS NULL OR tenant = ?) AND (? IS NULL OR handler = ?) AND (? IS NULL OR error = ?)
AND (? IS NULL OR event_id = ?)"""
_LIST = f"""SELECT handler, envelope, status, attempts, due, history, claimed_by FROM inbox WHERE {_CHOSEN}
ORDER BY taken_at LIMIT ?"""  # noqa: S608 - our own constants, here and below
_REPLAY = f"""UPDATE inbox SET status = 'waiting', due = ?, attempts = 0 WHERE (handler, event_id) IN (
SELECT handler, event_id FROM inbox WHERE {_CHOSEN} AND (expires IS NULL OR expires > ?)
ORDER BY taken_at LIMIT ?)"""  # noqa: S608 - as above
_COUNT = f"SELECT count(*), count(*) FILTER (WHERE expires <= ?) FROM inbox WHERE {_CHOSEN}"  # noqa: S608 - as above


class Group(NamedTuple):
    """Dead letters of one handler that died of the same error."""

    handler: str
    topic: str
    error: str
    letters: int
    first: datetime
    last: datetime


class Replay(NamedTuple):
    """How many dead letters will be tried again, and how many are too old for that to be safe."""

    replayed: int
    refused: int


class Choice(NamedTuple):
    """Which dead letters are meant; None leaves a part open."""

    tenant: str | None = None
    handler: str | None = None
    error: str | None = None
    event_id: str | None = None


def groups(transaction: Transaction, tenant: str | None = None) -> list[Group]:
    rows = transaction.run(_GROUPS, (tenant, tenant)).fetchall()
    return [Group(row[0], row[1], row[2], row[3], instant(row[4]), instant(row[5])) for row in rows]


def letters(transaction: Transaction, choice: Choice, limit: int = 1000) -> Sequence[Held]:
    return [inbox.held(row) for row in transaction.run(_LIST, (*_twice(choice), limit)).fetchall()]


def count(transaction: Transaction, choice: Choice, now: datetime) -> Replay:
    """Give what `replay` would do with all that is chosen."""
    found, refused = transaction.run(_COUNT, (micros(now), *_twice(choice))).fetchone()
    return Replay(found - refused, refused)


def replay(transaction: Transaction, choice: Choice, now: datetime, limit: int = 1000) -> Replay:
    """Let chosen dead letters, the oldest first, be tried again with a fresh count of attempts and their history kept.

    Past the inbox's retention the mark that an effect happened may be gone, so such a replay is refused.
    """
    refused = count(transaction, choice, now).refused
    parameters = (micros(now), *_twice(choice), micros(now), limit)
    return Replay(transaction.run(_REPLAY, parameters).rowcount, refused)


def _twice(choice: Choice) -> list[str | None]:
    return [value for part in choice for value in (part, part)]
