"""The sample services on real databases, with handles to post, deliver and look."""

import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aulario.backends.broker import Subscription
from aulario.backends.database import Transaction
from aulario.backends.database.sqlite import SqliteDatabase, open_engine
from aulario.contracts.event import Envelope
from aulario.core import inbox
from aulario.core.consuming import Claimed, Consumer
from aulario.core.context import Context
from aulario.core.inbox import Held
from aulario.core.migrating import CORE, migrate
from aulario.core.relay import StoreLog
from aulario.core.unit_of_work import Store
from aulario.kit.clock import ManualClock
from tests.core import sample
from tests.core.sample import METADATA, Faults

NORTH, SOUTH = Context.root(tenant="north"), Context.root(tenant="south")


class Hand(Subscription):
    """Gives a handler just what a test hands it, and remembers what it acknowledged."""

    def __init__(self) -> None:
        self.kept: list[list[str]] = []
        self.acknowledged: list[str] = []

    async def next(self) -> list[Envelope]:
        return []

    def begin(self, transaction: Transaction) -> None:
        """A hand has no place to keep."""

    def keep(self, transaction: Transaction, batch: list[Envelope]) -> None:
        transaction.run("INSERT OR REPLACE INTO positions VALUES ('hand', ?)", (batch[-1].sequence,))

    async def acknowledge(self, batch: list[Envelope]) -> None:
        self.acknowledged += [envelope.id for envelope in batch]


@dataclass
class Bench:
    """Both services and what is done with them."""

    writer: Store
    reader: Store
    consumer: Consumer
    clock: ManualClock
    faults: Faults
    hand: Hand = field(default_factory=Hand)

    async def post(self, *texts: str, author: str = "ana", context: Context = NORTH) -> list[Envelope]:
        """Post notes, and give their events as the outbox has them."""
        position = await StoreLog(self.writer).last()
        for text in texts:
            await self.writer.work(context, sample.post, text, author)
        return await StoreLog(self.writer).after(position, "note.posted", len(texts))

    async def give(self, handler: str, events: Sequence[Envelope]) -> list[Claimed]:
        return await self.consumer.take(handler, list(events), self.hand)

    async def later(self, **step: float) -> list[Claimed]:
        """Let time pass, and try once what is then due."""
        self.clock.advance(timedelta(**step))
        return (await self.consumer.due())[1]

    async def effects(self, handler: str, context: Context = NORTH) -> list[str]:
        return await self.reader.read(context, sample.effects, handler)

    async def held(self, status: str = "waiting") -> list[Held]:
        """Give what the inbox holds in a state, by key and order."""
        columns = "handler, envelope, status, attempts, due, history, claimed_by"
        rows = await self.rows(self.reader, f"SELECT {columns} FROM inbox WHERE status = '{status}' ORDER BY sequence")  # noqa: S608 - the test's own words
        return [inbox.held(row) for row in rows]

    async def rows(self, store: Store, statement: str) -> list[Any]:
        return await store.database.read(lambda transaction: transaction.run(statement).fetchall())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database at the core's newest schema with the sample's tables, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "none").mkdir()
    engine = open_engine(folder / "sample.db", durable=False)
    migrate(engine, "sample", folder / "none")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert CORE.exists()
    return folder / "sample.db"


Open = Callable[[str], Awaitable[Store]]


@pytest.fixture
async def opened(template: Path, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Open]:
    """Opens a service's store by name; the same name opens the same file again."""
    databases: list[SqliteDatabase] = []

    async def open_store(name: str) -> Store:
        path = tmp_path / f"{name}.db"
        if not path.exists():
            shutil.copy(template, path)
        databases.append(SqliteDatabase(path, durable=False))
        return Store(name, databases[-1], clock)

    yield open_store
    for database in databases:
        await database.close()


@pytest.fixture
async def store(opened: Open) -> Store:
    return await opened("writer")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def bench(opened: Open, store: Store, clock: ManualClock, faults: Faults) -> Bench:
    reader = await opened("reader")
    consumer = Consumer(reader, sample.handlers(faults), owner="me", chance=random.Random(1))
    return Bench(store, reader, consumer, clock, faults)
