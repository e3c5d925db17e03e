"""The promises of the database contract, kept by SQLite on a real file."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import text

from aulario.backends.database import DatabaseError, Step, StorageFault, Transaction
from aulario.backends.database import sqlite as sqlite_module
from aulario.backends.database.sqlite import GROUP, SqliteDatabase, connect

Body = Callable[[Transaction], Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path, durable=False)
    await database.write(
        [Step(lambda transaction: transaction.run("CREATE TABLE goods (name TEXT UNIQUE, size BLOB)"))]
    )
    yield database
    await database.close()


def put(name: str, size: int = 0) -> Body:
    return lambda transaction: transaction.run("INSERT INTO goods VALUES (?, zeroblob(?))", (name, size)).rowcount


async def names(database: SqliteDatabase) -> list[str]:
    rows = await database.read(lambda transaction: transaction.run("SELECT name FROM goods ORDER BY rowid").fetchall())
    return [row[0] for row in rows]


def failing(after: Body) -> Body:
    def body(transaction: Transaction) -> None:
        after(transaction)
        raise LookupError

    return body


async def test_steps_run_in_order_and_give_their_results(database: SqliteDatabase) -> None:
    """One answer for each step, in the order they were handed over."""
    results = await database.write([Step(put("a")), Step(lambda _: "b"), Step(put("c"))])
    assert results == [1, "b", 1]
    assert await names(database) == ["a", "c"]


async def test_a_failing_step_undoes_only_itself(database: SqliteDatabase) -> None:
    """Its error takes its place among the results; those before and after it are stored."""
    results = await database.write([Step(put("a")), Step(failing(put("b"))), Step(put("c"))])
    assert [type(result) for result in results] == [int, LookupError, int]
    assert await names(database) == ["a", "c"]


async def test_a_rescue_runs_in_the_place_of_a_step_that_failed(database: SqliteDatabase) -> None:
    """After the step is undone, in the same commit, and its result is the step's."""
    rescued = Step(failing(put("a")), lambda transaction, error: f"{type(error).__name__} {put('b')(transaction)}")
    assert await database.write([rescued]) == ["LookupError 1"]
    assert await names(database) == ["b"]


async def test_a_rescue_that_fails_is_undone_too(database: SqliteDatabase) -> None:
    """The caller is given the rescue's error, and its neighbours go on."""

    def rescue(transaction: Transaction, _: Exception) -> None:
        put("b")(transaction)
        raise ZeroDivisionError

    results = await database.write([Step(failing(put("a")), rescue), Step(put("c"))])
    assert [type(result) for result in results] == [ZeroDivisionError, int]
    assert await names(database) == ["c"]


async def test_a_wrong_statement_is_not_a_fault_of_the_storage(database: SqliteDatabase) -> None:
    """A broken rule of the schema reaches its caller as what it is, from the driver and from SQLAlchemy alike."""
    await database.write([Step(put("a"))])
    (driver,) = await database.write([Step(put("a"))])
    assert isinstance(driver, sqlite3.IntegrityError)
    insert = text("INSERT INTO goods VALUES ('a', '')")
    (alchemy,) = await database.write([Step(lambda transaction: transaction.sql.execute(insert))])
    assert isinstance(alchemy, Exception)
    assert not isinstance(alchemy, StorageFault)


async def test_many_callers_share_a_commit(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed over at one time is committed together, at most so many steps at once, each answered its own."""
    groups: list[int] = []
    monkeypatch.setattr(database, "_committed", groups.append)
    count = 3 * GROUP
    results = await asyncio.gather(*(database.write([Step(put(str(number)))]) for number in range(count)))
    assert results == [[1]] * count
    assert sum(groups) == count
    assert len(groups) < 10
    assert max(groups) <= GROUP
    assert await names(database) == [str(number) for number in range(count)]


async def test_one_calls_steps_are_never_torn_apart(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are, they stand in one commit."""
    groups: list[int] = []
    monkeypatch.setattr(database, "_committed", groups.append)
    await database.write([Step(put(str(number))) for number in range(2 * GROUP + 1)])
    assert groups == [2 * GROUP + 1]


async def test_a_read_sees_what_was_acknowledged_and_nothing_unfinished(database: SqliteDatabase) -> None:
    """A read within a unit's time shows the state before it, whole."""
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await names(database))

    for number in range(30):
        await asyncio.gather(database.write([Step(put(f"{number}a")), Step(put(f"{number}b"))]), look(), look())
        assert len(await names(database)) == 2 * number + 2
    assert all(len(found) % 2 == 0 for found in seen)


async def test_a_read_cannot_leave_anything_behind(database: SqliteDatabase) -> None:
    """A transaction that was only to read is rolled back, even when it wrote, and its error is its caller's."""
    await database.read(put("a"))
    with pytest.raises(LookupError) as caught:
        await database.read(failing(put("b")))
    assert caught.value.__cause__ is None
    assert await names(database) == []


async def test_a_full_disk_refuses_and_recovers(database: SqliteDatabase) -> None:
    """Everybody in the commit is told, nothing of it is stored, and when there is room it goes on without repair."""
    await database.write([Step(put("before"))])
    await database.write([Step(lambda transaction: transaction.run("PRAGMA max_page_count=20").fetchone())])
    outcomes = await asyncio.gather(
        *(database.write([Step(put(name, size))]) for name, size in (("a", 1), ("big", 500_000), ("b", 1))),
        return_exceptions=True,
    )
    faults = [outcome for outcome in outcomes if isinstance(outcome, StorageFault)]
    assert [str(fault) for fault in faults] == ["the storage refused: SQLITE_FULL"] * 3
    assert await names(database) == ["before"]
    await database.write([Step(lambda transaction: transaction.run("PRAGMA max_page_count=100000").fetchone())])
    assert await database.write([Step(put("big", 500_000))]) == [1]
    assert await database.check() is None
    assert connect(database.path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_caller_that_went_away_harms_nobody(database: SqliteDatabase) -> None:
    """A request that was cancelled while it waited may be stored or not; the others are answered."""
    gone = asyncio.create_task(database.write([Step(put("gone"))]))
    stays = asyncio.create_task(database.write([Step(put("stays"))]))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == [1]
    assert "stays" in await names(database)


async def test_a_body_runs_in_nobodys_context(database: SqliteDatabase) -> None:
    """What one caller's context holds is not seen by the bodies of others that share its commit."""
    request: ContextVar[str] = ContextVar("request", default="none")

    async def call(name: str) -> list[Any]:
        request.set(name)
        return await database.write([Step(lambda _: request.get())])

    first, second = await asyncio.gather(call("first"), call("second"))
    assert first + second == ["none", "none"]


async def test_closing_finishes_what_was_handed_over(database: SqliteDatabase) -> None:
    """Nothing waits for ever: what came before is answered, what comes after is refused, and the file is whole."""
    waiting = [asyncio.create_task(database.write([Step(put(str(number)))])) for number in range(5)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [[1]] * 5
    with pytest.raises(DatabaseError, match="is closed"):
        await database.write([Step(put("late"))])
    assert sorted(file.name for file in database.path.parent.iterdir()) == ["shop.db"]


async def test_the_file_outlives_the_process(database: SqliteDatabase, path: Path) -> None:
    """Another process finds what was acknowledged, while this one still has the file open."""
    await database.write([Step(put("kept"))])
    look = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT name FROM goods').fetchall())"
    found = await anyio.run_process([sys.executable, "-c", look, str(path)])
    assert found.stdout.strip() == b"[('kept',)]"


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_durability_is_what_was_asked_for(path: Path, level: int, *, durable: bool) -> None:
    """By default an acknowledged write survives power loss (2 is FULL); foreign keys always hold."""
    database = SqliteDatabase(path, durable=durable)
    for name, value in (("synchronous", level), ("foreign_keys", 1), ("journal_mode", "wal")):
        read = await database.read(partial(_pragma, name))
        assert read == (value,)
    await database.close()


def _pragma(name: str, transaction: Transaction) -> Any:
    return transaction.run(f"PRAGMA {name}").fetchone()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4000])
def test_what_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    """The error says which file it is and what to do; the file and its folder stay as they were."""
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"shop\.db cannot be opened .*nothing was changed.*aulario restore"):
        SqliteDatabase(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["shop.db"]


async def test_check_tells_what_is_wrong(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that cannot be read says so; a sound one says nothing."""
    assert await database.check() is None

    def refuse(_: Body) -> None:
        message = "the storage refused: SQLITE_IOERR"
        raise StorageFault(message)

    monkeypatch.setattr(database, "_read", refuse)
    assert await database.check() == "the storage refused: SQLITE_IOERR"


async def test_a_rollback_that_fails_leaves_nobody_waiting(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The callers are told, and the next write finds the transaction, undoes it and goes on."""

    def refuse(*_: object) -> None:
        message = "disk I/O error"
        raise sqlite3.OperationalError(message)

    with monkeypatch.context() as patch:
        patch.setattr(database, "_committing", refuse)
        patch.setattr(sqlite_module, "_roll_back", refuse)
        with pytest.raises(sqlite3.OperationalError):
            await database.write([Step(put("lost"))])
    with pytest.raises(sqlite3.OperationalError):
        await database.write([Step(put("told"))])
    assert await database.write([Step(put("stored"))]) == [1]
    assert await names(database) == ["stored"]
