"""The database contract: bodies run in transactions, many to a commit, and nothing is answered before its commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Cursor(Protocol):
    """What the driver gives back for one statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """One unit inside a transaction: `sql` for services' statements, `run` for the core's own."""

    sql: Connection
    run: Callable[..., Cursor]
    """`run(statement, parameters)`: question marks for parameters, straight on the driver, for the hot paths."""


class Step(Generic[T]):
    """A body to run all or nothing; `rescue`, given the error, runs in its place after the body is undone."""

    __slots__ = ("body", "rescue")

    def __init__(
        self,
        body: Callable[[Transaction], T],
        rescue: Callable[[Transaction, Exception], T] | None = None,
    ) -> None:
        self.body = body
        self.rescue = rescue


class DatabaseError(Exception):
    """The database cannot be used as it stands; the message says what to do."""


class StorageFault(DatabaseError):
    """The storage refused this time (full, locked, failing); nothing was stored, and trying again is safe."""


class Database(Protocol):
    """One service's database.

    Promises: `write` returns after its commit is on disk (survives SIGKILL, and power loss with the default
    durability); a step that fails undoes only itself; steps of one call commit together, in order; commits are
    seen in the order of their outbox positions. `read` sees every write acknowledged before it began.
    Both raise StorageFault when the storage refuses; `write` hands it to each step of the commit that failed.
    """

    engine: Engine

    async def write(self, steps: Sequence[Step[T]]) -> list[T | Exception]:
        """Run steps in order in one commit; raises when the commit itself failed, and then nothing happened."""
        ...

    async def read(self, body: Callable[[Transaction], T]) -> T: ...

    async def glance(self, body: Callable[[Transaction], T]) -> T:
        """As `read`, for what an index finds in microseconds: it may run where everything else waits for it."""
        ...

    async def check(self) -> str | None:
        """Tell what is wrong, or None when it can serve."""
        ...

    async def close(self) -> None: ...
