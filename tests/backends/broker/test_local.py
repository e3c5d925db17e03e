"""The promises of the broker contract, kept without any broker: the outbox is the log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from aulario.backends.broker import Log, Subscription
from aulario.backends.broker.local import BATCH, LocalBroker
from aulario.backends.database import Step
from aulario.backends.database.sqlite import SqliteDatabase
from aulario.contracts.event import Envelope
from aulario.core import inbox, outbox
from aulario.core.migrating import migrate
from aulario.core.relay import StoreLog
from aulario.core.unit_of_work import Store
from aulario.kit.clock import ManualClock
from aulario.kit.ids import uuid7
from tests.conftest import NOON

HANDLER = "reader.on_posted"


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """A service that is its own source and its own reader; the core's tables are all it needs."""
    database = SqliteDatabase(tmp_path / "one.db", durable=False)
    (tmp_path / "none").mkdir()
    migrate(database.engine, "one", tmp_path / "none")
    yield Store("one", database, clock)
    await database.close()


@pytest.fixture
def broker(store: Store) -> LocalBroker:
    def log_of(topic: str) -> Log:
        return {"note.posted": StoreLog(store)}[topic]

    return LocalBroker(log_of)


async def record(store: Store, *keys: str, topic: str = "note.posted") -> None:
    """Store events as a service would."""
    events = [
        Envelope(uuid7(), "one", topic, 1, "t1", key, NOON.isoformat(), "r1", "", f'"{number}"')
        for number, key in enumerate(keys)
    ]
    await store.write([Step(lambda transaction: outbox.append(transaction, events))])


async def subscribe(broker: LocalBroker, store: Store, *, from_first: bool = True) -> Subscription:
    position = await store.database.read(lambda transaction: inbox.position(transaction, HANDLER))
    return await broker.subscribe(HANDLER, "note.posted", position, from_first=from_first)


async def take(subscription: Subscription, store: Store, batch: list[Envelope]) -> None:
    """Keep the place and acknowledge, as a consumer does."""
    await store.write([Step(lambda transaction: subscription.keep(transaction, batch))])
    await subscription.acknowledge(batch)


def keys(batch: Sequence[Envelope]) -> list[str]:
    return [event.key for event in batch]


async def test_events_are_given_in_the_order_they_were_recorded(broker: LocalBroker, store: Store) -> None:
    """All of the topic, in order, and none of another topic."""
    await record(store, "a", "b")
    await record(store, "x", topic="note.sold")
    await record(store, "a", "c")
    assert keys(await (await subscribe(broker, store)).next()) == ["a", "b", "a", "c"]


async def test_a_batch_that_was_not_acknowledged_is_given_again(broker: LocalBroker, store: Store) -> None:
    """As often as it takes, with what came meanwhile behind it."""
    subscription = await subscribe(broker, store)
    await record(store, "a")
    assert keys(await subscription.next()) == ["a"]
    await record(store, "b")
    assert keys(await subscription.next()) == ["a", "b"]


async def test_what_was_acknowledged_is_behind(broker: LocalBroker, store: Store) -> None:
    """The next batch begins after it."""
    subscription = await subscribe(broker, store)
    await record(store, "a")
    await take(subscription, store, await subscription.next())
    await record(store, "b")
    assert keys(await subscription.next()) == ["b"]


async def test_a_place_survives_a_restart(broker: LocalBroker, store: Store) -> None:
    """It was stored with the batch; what was given but not kept is given again."""
    subscription = await subscribe(broker, store)
    await record(store, "a")
    await take(subscription, store, await subscription.next())
    await record(store, "b")
    await subscription.next()
    assert keys(await (await subscribe(broker, store)).next()) == ["b"]


async def test_a_new_handler_begins_where_it_asks(broker: LocalBroker, store: Store) -> None:
    """At the first event that is kept, or with what comes from now on."""
    await record(store, "before")
    first, now = await subscribe(broker, store), await subscribe(broker, store, from_first=False)
    await record(store, "after")
    assert keys(await first.next()) == ["before", "after"]
    assert keys(await now.next()) == ["after"]


async def test_where_a_new_handler_begins_is_kept(broker: LocalBroker, store: Store) -> None:
    """A stop before its first batch does not move its beginning past what was recorded meanwhile."""
    await record(store, "before")
    subscription = await subscribe(broker, store, from_first=False)
    await store.write([Step(subscription.begin)])
    await record(store, "meanwhile")
    assert keys(await (await subscribe(broker, store, from_first=False)).next()) == ["meanwhile"]


async def test_waiting_ends_with_the_next_event(broker: LocalBroker, store: Store) -> None:
    """A subscriber that has everything sleeps, and is woken by the commit, other topics notwithstanding."""
    subscription = await subscribe(broker, store)
    waiting = asyncio.create_task(subscription.next())
    await record(store, "x", topic="note.sold")
    assert not waiting.done()
    await record(store, "a")
    async with asyncio.timeout(10):
        assert keys(await waiting) == ["a"]


async def test_batches_are_bounded(broker: LocalBroker, store: Store) -> None:
    """A long log is given in parts, each once, nothing left out between them."""
    await record(store, *map(str, range(2 * BATCH + 1)))
    subscription, found = await subscribe(broker, store), list[str]()
    for size in (BATCH, BATCH, 1):
        batch = await subscription.next()
        assert len(batch) == size
        found += keys(batch)
        await take(subscription, store, batch)
    assert found == [str(number) for number in range(2 * BATCH + 1)]


async def test_a_topic_that_nobody_records_cannot_be_followed(broker: LocalBroker) -> None:
    """The mistake is found at the start, not by waiting for ever."""
    with pytest.raises(KeyError):
        await broker.subscribe(HANDLER, "nothing.happened", None, from_first=True)
