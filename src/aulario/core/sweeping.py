"""Forgets what no promise needs any more, in small steps, so that nothing ever waits for a big one."""

from collections.abc import Mapping
from datetime import timedelta

from aulario.backends.database import Step, Transaction
from aulario.core.models import micros
from aulario.core.unit_of_work import Store

KEPT = timedelta(days=30)
"""How long the outbox keeps events for handlers that begin at the first, and for replays."""
STEP = 500

_EXPIRED = """DELETE FROM inbox WHERE (handler, event_id) IN (SELECT handler, event_id FROM inbox
WHERE expires <= ? AND status = 'done' ORDER BY expires LIMIT ?)"""
# Each by its own age: a due event that fired late tells an old time, and what stands before it may be young.
_OLD = "SELECT sequence, topic FROM (SELECT * FROM outbox ORDER BY sequence LIMIT ?2) WHERE time <= ?1"
_REPLIES = """DELETE FROM idempotency WHERE (tenant, caller, route, key) IN (SELECT tenant, caller, route, key
FROM idempotency WHERE expires <= ? ORDER BY expires LIMIT ?)"""


async def sweep(store: Store, taken: Mapping[str, int]) -> int:
    """Delete until nothing old is left; gives how many rows went.

    `taken` says, by topic, up to which position its followers have all events: what is old and not taken stays.
    """
    total = 0
    while True:
        (count,) = await store.write([Step(lambda transaction: _sweep(transaction, store, taken))])
        if isinstance(count, Exception):
            raise count
        total += count
        if count < STEP:
            return total


def _sweep(transaction: Transaction, store: Store, taken: Mapping[str, int]) -> int:
    now = store.clock.now()
    replies = transaction.run(_REPLIES, (micros(now), STEP)).rowcount
    inbox = transaction.run(_EXPIRED, (micros(now), STEP)).rowcount
    old = transaction.run(_OLD, ((now - KEPT).isoformat(), STEP)).fetchall()
    sent = [sequence for sequence, topic in old if sequence <= taken.get(topic, sequence)]
    for sequence in sent:
        transaction.run("DELETE FROM outbox WHERE sequence = ?", (sequence,))
    return max(replies, inbox, len(sent))
