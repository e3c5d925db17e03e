"""A unit of work stores rows and events together or not at all, alone or among others in one commit."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import bindparam, delete, func, select, update

from aulario.backends.database import StorageFault, sqlite
from aulario.backends.database.sqlite import SqliteDatabase
from aulario.core.context import Context
from aulario.core.errors import NotFound, Unavailable
from aulario.core.relay import StoreLog
from aulario.core.unit_of_work import NOTHING, Store, UnitOfWork
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core.conftest import NORTH, SOUTH
from tests.core.sample import Boom, Flag, Note, NotePosted, post, texts


def fail_after(uow: UnitOfWork, text: str) -> None:
    post(uow, text)
    raise Boom


async def events(store: Store) -> list[str]:
    found = await StoreLog(store).after(0, "note.posted", 1000)
    return [event.data.split('"text":"')[1].split('"')[0] for event in found]


async def test_a_row_and_its_event_are_stored_together(store: Store) -> None:
    """What an action added and recorded is there when it returns, stamped with where it came from."""
    context = Context.root("request-1", tenant="north")
    note = await store.work(context, post, "hello")
    (event,) = await StoreLog(store).after(0, "note.posted", 10)
    assert await store.read(context, texts) == ["hello"]
    assert (event.source, event.tenant, event.key, event.version) == ("writer", "north", "ana", 2)
    assert (event.request_id, event.traceparent, event.time) == ("request-1", context.traceparent, NOON.isoformat())
    assert note.id in event.data


async def test_a_unit_that_fails_leaves_neither(store: Store) -> None:
    """An error after the row and the event were written undoes both, and reaches the caller as it was."""
    with pytest.raises(Boom):
        await store.work(NORTH, fail_after, "lost")
    assert await store.read(NORTH, texts) == []
    assert await events(store) == []


async def test_a_failing_unit_undoes_only_itself(store: Store) -> None:
    """Sixteen writers share commits; those that fail take nothing of the others with them, and no event is skipped."""

    async def write(writer: int) -> None:
        for turn in range(8):
            if (writer + turn) % 3:
                await store.work(NORTH, post, f"{writer}.{turn}")
            else:
                with pytest.raises(Boom):
                    await store.work(NORTH, fail_after, "lost")

    await asyncio.gather(*map(write, range(16)))
    expected = {f"{writer}.{turn}" for writer in range(16) for turn in range(8) if (writer + turn) % 3}
    assert set(await store.read(NORTH, texts)) == expected
    assert set(await events(store)) == expected
    assert len(await events(store)) == len(expected)


async def test_positions_follow_the_order_of_commits(store: Store) -> None:
    """A reader that always asks for what is behind the last position it saw misses nothing while others write (F07)."""
    log, seen, position = StoreLog(store), 0, 0
    writers = asyncio.gather(*(store.work(NORTH, post, f"n{n}") for n in range(300)))
    while seen < 300:
        batch = await log.after(position, "note.posted", 7)
        assert [event.sequence for event in batch] == sorted(event.sequence for event in batch)
        seen, position = seen + len(batch), batch[-1].sequence if batch else position
    await writers
    assert seen == len(await log.after(0, "note.posted", 1000))


async def test_a_reader_sees_what_was_acknowledged(store: Store) -> None:
    """Whoever was told that a write is done finds it, in whatever thread the read runs."""
    for number in range(20):
        await store.work(NORTH, post, str(number))
        found = await asyncio.gather(*(store.read(NORTH, texts) for _ in range(3)))
        assert all(len(seen) == number + 1 for seen in found)


async def test_a_lock_held_elsewhere_is_waited_for(store: Store) -> None:
    """Another connection that holds the file for a while delays a unit, which then happens once (F13)."""
    other = _lock(store)
    waiting = asyncio.create_task(store.work(NORTH, post, "patient"))
    # Reads go on meanwhile, as many as it takes for the writer to have met the lock.
    for _ in range(5):
        assert await store.read(NORTH, texts) == []
    other.execute("ROLLBACK")
    other.close()
    await waiting
    assert await store.read(NORTH, texts) == ["patient"]
    assert await events(store) == ["patient"]


async def test_a_lock_that_stays_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting has an end: 503, nothing stored, and the same request works later (F13)."""
    monkeypatch.setattr(sqlite, "LOCK_MILLISECONDS", 50)
    other = _lock(store)
    results = await asyncio.gather(*(store.work(NORTH, post, "x") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    other.execute("ROLLBACK")
    other.close()
    await store.work(NORTH, post, "y")
    assert await store.read(NORTH, texts) == ["y"]


@pytest.mark.parametrize("count", [1, 5])
async def test_a_refused_commit_is_told_to_all_in_it(store: Store, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """When the storage refuses the commit, each unit of it gets 503 and nothing of any is stored."""
    refusing = [StorageFault("the storage refused: SQLITE_FULL")]

    def committing() -> None:
        if refusing:
            raise refusing[0]

    monkeypatch.setattr(store.database, "_committing", committing)
    results = await asyncio.gather(*(store.work(NORTH, post, "x") for _ in range(count)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * count
    assert {result.headers()["Retry-After"] for result in results if isinstance(result, Unavailable)} == {"1"}
    refusing.clear()
    assert await store.read(NORTH, texts) == []
    await store.work(NORTH, post, "y")
    assert await events(store) == ["y"]


async def test_amend_changes_one_row_of_this_tenant(store: Store) -> None:
    """Columns are set by primary key; what is another tenant's, or nobody's, is not found."""
    note = await store.work(NORTH, post, "before")
    other = await store.work(NORTH, post, "untouched")
    when = datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC)
    await store.work(NORTH, lambda uow: uow.amend(Note, note.id, text="after", price=Decimal("0.10"), written_at=when))
    found = await store.read(NORTH, lambda view: view.one(select(Note).where(Note.id == note.id)))
    assert (found.text, found.price, found.written_at, found.author) == ("after", Decimal("0.10"), when, "ana")
    assert await store.read(NORTH, texts) == ["after", "untouched"]
    for context, key in ((SOUTH, note.id), (NORTH, "unknown")):
        with pytest.raises(NotFound, match=NOTHING):
            await store.work(context, lambda uow, key: uow.amend(Note, key, text="stolen"), key)
    assert other.id != note.id


async def test_change_tells_how_many_rows_it_met(store: Store) -> None:
    """Updates and deletes over many rows stay in their tenant and count what they met."""
    for context in (NORTH, NORTH, SOUTH):
        await store.work(context, post, "x")
    rename = update(Note).where(Note.text == bindparam("old")).values(text="y")
    assert await store.work(NORTH, lambda uow: uow.change(rename, old="x")) == 2
    assert await store.work(NORTH, lambda uow: uow.change(delete(Note).where(Note.text == "y"))) == 2
    assert await store.read(SOUTH, texts) == ["x"]


async def test_records_are_read_by_first_one_and_scalar(store: Store) -> None:
    """`first` gives a record or None, `one` a record or NotFound, `scalar` a value."""
    await store.work(NORTH, post, "only")
    by_text = select(Note).where(Note.text == bindparam("text"))
    found = await store.read(NORTH, lambda view: view.first(by_text, text="only"))
    assert found is not None
    assert found.price == Decimal("1.50")
    assert await store.read(NORTH, lambda view: view.first(by_text, text="none")) is None
    with pytest.raises(NotFound):
        await store.read(NORTH, lambda view: view.one(by_text, text="none"))
    assert await store.read(NORTH, lambda view: view.scalar(select(func.count()).select_from(Note))) == 1


async def test_a_row_of_the_installation_has_no_tenant(store: Store) -> None:
    """A model without a tenant is stored and read in any tenant, and in none."""
    nobody = Context.root()
    await store.work(nobody, lambda uow: uow.add(Flag(id="maintenance")))
    for context in (nobody, NORTH):
        found = await store.read(context, lambda view: view.one(select(Flag)))
        assert found.id == "maintenance"


async def test_what_is_due_can_be_withdrawn_in_the_same_unit(store: Store, clock: ManualClock) -> None:
    """A due event does not stand in the outbox, and withdrawing it reaches this tenant, topic and key only."""

    def plan(uow: UnitOfWork) -> None:
        uow.record(NotePosted(note_id="1", author="ana", text="later"), due=clock.now())
        uow.record(NotePosted(note_id="2", author="ben", text="later"), due=clock.now())

    await store.work(NORTH, plan)
    await store.work(SOUTH, plan)
    assert await events(store) == []
    assert await store.work(NORTH, lambda uow: uow.withdraw(NotePosted, "ana")) == 1
    assert await store.work(NORTH, lambda uow: uow.withdraw(NotePosted, "ana")) == 0
    assert await store.work(SOUTH, lambda uow: uow.withdraw(NotePosted, "ana")) == 1


async def test_a_commit_wakes_those_who_listen(store: Store) -> None:
    """Each commit rings the bell that relays wait for; a failed unit rings it for nothing, and that is harmless."""
    listener = store.committed.listen()
    assert not listener.rung.is_set()
    await store.work(NORTH, post, "x")
    assert listener.rung.is_set()


def _lock(store: Store) -> sqlite3.Connection:
    """Take the file's write lock on a connection of another's."""
    assert isinstance(store.database, SqliteDatabase)
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other
