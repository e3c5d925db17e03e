"""SQLite as a production database: one writer thread a file with group commit, and a few readers beside it."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DatabaseError as SqlError
from sqlalchemy.pool import NullPool

from aulario.backends.database import Database, DatabaseError, Step, StorageFault, Transaction
from aulario.backends.database.wal import unreadable

T = TypeVar("T")

GROUP = 256
"""Steps committed together at most: beyond this a waiting request gains nothing from company."""
LOCK_TRIES = 3
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
    loop: asyncio.AbstractEventLoop


class SqliteDatabase(Database):
    """See the contract; `committing` and `committed` are called by the writer around each commit."""

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
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(2, f"{path.stem}-read")
        self._local = threading.local()
        self._opened: list[Connection] = []
        # Opened here, so that a file that cannot be used is told to whoever asked for it, not to a thread.
        writing = (self._open(),)
        self._writer = threading.Thread(
            target=self._write_forever, args=writing, name=f"{path.stem}-write", daemon=True
        )
        self._writer.start()

    async def write(self, steps: Sequence[Step[T]]) -> list[T | Exception]:
        if not self._writer.is_alive():
            message = f"{self.path} is closed"
            raise DatabaseError(message)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[T | Exception]] = loop.create_future()
        self._jobs.put(_Job(steps, answer, loop))
        return await answer

    async def read(self, body: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, body)

    async def check(self) -> str | None:
        try:
            await self.read(lambda transaction: transaction.run("SELECT 1").fetchone())
        except StorageFault as fault:
            return str(fault)
        return None if self._writer.is_alive() else "the writer thread has ended"

    async def close(self) -> None:
        """Finish what was handed over, then leave the file in one piece, its log folded in."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
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
        if not isinstance(driver, sqlite3.Connection):
            message = f"{self.path}: the engine gave {driver!r} where an SQLite connection was expected"
            raise DatabaseError(message)
        return Transaction(connection, driver.execute)

    def _write_forever(self, transaction: Transaction) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._gather()
            if jobs:
                self._write_group(transaction, jobs)

    def _gather(self) -> tuple[list[_Job], bool]:
        """Take what waits, at least one job, at most about GROUP steps."""
        job = self._jobs.get()
        jobs: list[_Job] = []
        steps = 0
        while job is not None:
            jobs.append(job)
            steps += len(job.steps)
            if steps >= GROUP:
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _write_group(self, transaction: Transaction, jobs: list[_Job]) -> None:
        outcome: list[list[Any]] | Exception
        try:
            _begin(transaction)
            outcome = [[_run(transaction, step) for step in job.steps] for job in jobs]
            self._committing()
            transaction.run("COMMIT")
            self._committed(sum(len(job.steps) for job in jobs))
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing was stored and each caller is told so
            _roll_back(transaction)
            outcome = _named(error)
        answers = [(job, outcome if isinstance(outcome, Exception) else outcome[i]) for i, job in enumerate(jobs)]
        # One wake-up of the loop for the whole group: waking it once a unit cost more than the unit.
        for loop in {job.loop for job in jobs}:
            loop.call_soon_threadsafe(_answer, [pair for pair in answers if pair[0].loop is loop])


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
    """Take the write lock; another process (a backup, an administrator's command) may hold it for a while."""
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            transaction.run("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            if attempt == LOCK_TRIES:
                raise
        else:
            return


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


def _answer(pairs: list[tuple[_Job, list[Any] | Exception]]) -> None:
    for job, outcome in pairs:
        if job.answer.cancelled():
            continue
        if isinstance(outcome, Exception):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)
