"""SQLite as a production database: one writer a file with group commit, and a few readers beside it."""

import asyncio
import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DatabaseError as SqlError
from sqlalchemy.pool import NullPool

from aulario.backends.database import Database, DatabaseError, Step, StorageFault, Transaction
from aulario.backends.database.wal import unreadable

T = TypeVar("T")

GROUP = 64
"""Steps committed together at most: about as long as a request may be kept from the loop, some 5 ms."""
LOCK_MILLISECONDS = 15_000
"""How long another process may hold the write lock before callers are told that the storage refuses."""
STORAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes that speak of the storage, not of the statement."""


class _Job(NamedTuple):
    steps: Sequence[Step[Any]]
    answer: "asyncio.Future[list[Any]]"


class SqliteDatabase(Database):
    """See the contract; `committing` and `committed` are called around each commit.

    Bodies run in the event loop's thread, a few milliseconds of them at a time, and a thread of the file's own waits
    for the disk. Bodies in threads spent a third of their time handing the interpreter's lock around.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = True,
        committing: Callable[[], None] = lambda: None,
        committed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.path = path
        self.engine = open_engine(path, durable=durable)
        self._committing, self._committed = committing, committed
        self._opened: list[Connection] = []
        self._writer = self._open()
        # A lock that another process holds is waited for in the disk's thread, never in the loop's.
        self._writer.run("PRAGMA busy_timeout=0")
        self._waiting: list[_Job] = []
        self._turn: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, f"{path.stem}-disk")
        self._readers = ThreadPoolExecutor(2, f"{path.stem}-read")
        self._local = threading.local()
        self._closed = False

    async def write(self, steps: Sequence[Step[T]]) -> list[T | Exception]:
        if self._closed:
            message = f"{self.path} is closed"
            raise DatabaseError(message)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[T | Exception]] = loop.create_future()
        self._waiting.append(_Job(steps, answer))
        if self._turn is None:
            # In no context: a turn serves many callers, and log lines must not name the first for all of them.
            self._turn = loop.create_task(self._write_waiting(), context=Context())
        return await answer

    async def read(self, body: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, body)

    async def glance(self, body: Callable[[Transaction], T]) -> T:
        # Others first: who glances again and again must not keep the loop to themselves.
        await asyncio.sleep(0)
        return self._read(body)

    async def check(self) -> str | None:
        try:
            await self.read(lambda transaction: transaction.run("SELECT 1").fetchone())
        except StorageFault as fault:
            return str(fault)
        return None

    async def close(self) -> None:
        """Finish what was handed over, then leave the file in one piece, its log folded in."""
        self._closed = True
        while self._turn is not None:
            await asyncio.shield(self._turn)
        self._disk.shutdown()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()
        self.engine.dispose()

    def _read(self, body: Callable[[Transaction], T]) -> T:
        reader: Transaction | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._open()
        try:
            reader.run("BEGIN")
            return body(reader)
        except Exception as error:
            named = _named(error)
            if named is error:
                raise
            raise named from error
        finally:
            _roll_back(reader)

    def _open(self) -> Transaction:
        connection = self.engine.connect()
        self._opened.append(connection)
        driver: Any = connection.connection.dbapi_connection
        return Transaction(connection, driver.execute)

    async def _write_waiting(self) -> None:
        """Commit what waits, group by group, until nothing does."""
        # What else this turn of the loop brings joins the first group.
        await asyncio.sleep(0)
        while self._waiting:
            jobs = self._group()
            try:
                outcomes: list[Any] = await self._write_group(jobs)
            except Exception as error:  # noqa: BLE001 - nothing was stored, and each caller is told why
                outcomes = [self._refused(error)] * len(jobs)
            for job, outcome in zip(jobs, outcomes, strict=True):
                _answer(job, outcome)
        self._turn = None

    def _refused(self, error: Exception) -> Exception:
        """Undo what is open; where even that fails the next group tries it again, and nobody waits for ever."""
        try:
            _roll_back(self._writer)
        except sqlite3.Error as second:
            return _named(second)
        return _named(error)

    def _group(self) -> list[_Job]:
        """Take what waits, at least one job, at most about GROUP steps."""
        steps = list(accumulate(len(job.steps) for job in self._waiting))
        number = bisect_left(steps, GROUP) + 1
        jobs, self._waiting = self._waiting[:number], self._waiting[number:]
        return jobs

    async def _write_group(self, jobs: list[_Job]) -> list[list[Any]]:
        in_disk_thread = partial(asyncio.get_running_loop().run_in_executor, self._disk)
        try:
            self._writer.run("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            await in_disk_thread(_begin, self._writer)
        outcomes = [[_run(self._writer, step) for step in job.steps] for job in jobs]
        self._committing()
        await in_disk_thread(self._writer.run, "COMMIT")
        self._committed(sum(len(job.steps) for job in jobs))
        return outcomes


def open_engine(path: Path, *, durable: bool = True) -> Engine:
    """Give an engine on the file whose connections are in WAL mode and leave BEGIN and COMMIT to us."""
    return create_engine(
        "sqlite://",
        creator=lambda: connect(path, durable=durable),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        hide_parameters=True,
    )


def connect(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """Open a driver's connection with our pragmas; raises DatabaseError when the file is no healthy database."""
    try:
        driver = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=512)
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        driver.execute("PRAGMA foreign_keys=ON")
        driver.execute("PRAGMA wal_autocheckpoint=4000")
    except sqlite3.DatabaseError as error:
        raise unreadable(path, error) from error
    return driver


def _begin(transaction: Transaction) -> None:
    """Wait for the write lock: another process, a backup or an administrator's command, may hold it for a while."""
    transaction.run(f"PRAGMA busy_timeout={LOCK_MILLISECONDS}")
    try:
        transaction.run("BEGIN IMMEDIATE")
    finally:
        transaction.run("PRAGMA busy_timeout=0")


def _run(transaction: Transaction, step: Step[T]) -> T | Exception:
    transaction.run("SAVEPOINT unit")
    try:
        result: T | Exception = step.body(transaction)
    except Exception as error:  # noqa: BLE001 - handed to the caller that owns this step; its neighbours go on
        result = _rescued(transaction, step, _undone(transaction, error))
    transaction.run("RELEASE unit")
    return result


def _rescued(transaction: Transaction, step: Step[T], error: Exception) -> T | Exception:
    if step.rescue is None or isinstance(error, StorageFault):
        return error
    try:
        return step.rescue(transaction, error)
    except Exception as second:  # noqa: BLE001 - as above: the caller decides
        return _undone(transaction, second)


def _undone(transaction: Transaction, error: Exception) -> Exception:
    """Undo a step that failed; raises where the storage undid the whole transaction, a full disk among the reasons."""
    named = _named(error)
    if not _driver(transaction).in_transaction:
        raise named
    transaction.run("ROLLBACK TO unit")
    return named


def _named(error: Exception) -> Exception:
    """Tell a storage that cannot serve from a statement that was wrong."""
    cause = error.orig if isinstance(error, SqlError) else error
    code = getattr(cause, "sqlite_errorcode", 0)
    if code & 0xFF in STORAGE_CODES:
        fault = StorageFault(f"the storage refused: {getattr(cause, 'sqlite_errorname', type(cause).__name__)}")
        fault.__cause__ = error
        return fault
    return error


def _roll_back(transaction: Transaction) -> None:
    """Undo what is open; some faults, a full disk among them, have ended the transaction already."""
    if _driver(transaction).in_transaction:
        transaction.run("ROLLBACK")


def _driver(transaction: Transaction) -> Any:
    return transaction.sql.connection.dbapi_connection


def _answer(job: _Job, outcome: list[Any] | Exception) -> None:
    if job.answer.cancelled():
        return
    if isinstance(outcome, Exception):
        job.answer.set_exception(outcome)
    else:
        job.answer.set_result(outcome)
