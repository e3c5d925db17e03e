"""One request or one event is one transaction: its rows and its events together. Nothing else commits."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from sqlalchemy import Insert, Select, bindparam, insert, update
from sqlalchemy.sql.dml import Delete, Update

from aulario.backends.database import Database, Step, StorageFault, Transaction
from aulario.contracts.event import Envelope, Event
from aulario.core import outbox
from aulario.core.bell import Bell
from aulario.core.context import Context
from aulario.core.errors import NotFound, Unavailable
from aulario.core.models import Model, TenantModel, micros
from aulario.core.tenancy import PARAMETER, TenantError, has_tenant, scoped
from aulario.kit.clock import Clock
from aulario.kit.ids import uuid7

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Model)

NOTHING = "there is nothing with this id"
"""Said of a foreign id as of an unknown one: nobody can tell them apart."""

# Statements are kept, for making one costs more than running it.
_inserts: dict[type[Model], Insert] = {}
_updates: dict[tuple[Any, ...], Update] = {}


class View:
    """What queries read through: one tenant's rows as they stand in one transaction."""

    __slots__ = ("context", "now", "transaction")

    def __init__(self, transaction: Transaction, context: Context, now: datetime) -> None:
        self.transaction, self.context, self.now = transaction, context, now

    @property
    def tenant(self) -> str:
        return self.context.tenant

    def all(self, statement: Select[T], **parameters: object) -> Sequence[T]:
        """Give records: immutable, with the attributes of the model that was selected."""
        # A Core row has the mapped class's attributes without the cost of an identity map.
        records: Any = self._execute(statement, parameters).all()
        return records  # type: ignore[no-any-return]  # see above

    def first(self, statement: Select[T], **parameters: object) -> T | None:
        record: Any = self._execute(statement, parameters).first()
        return record  # type: ignore[no-any-return]  # as in `all`

    def one(self, statement: Select[T], **parameters: object) -> T:
        """As `first`; raises NotFound where there is none, be it another tenant's or nobody's."""
        record = self.first(statement, **parameters)
        if record is None:
            raise NotFound(NOTHING)
        return record

    def scalar(self, statement: Select[T], **parameters: object) -> T | None:
        """Give the first column of the first row."""
        value: T | None = self._execute(statement, parameters).scalar()
        return value

    def _execute(self, statement: Any, parameters: dict[str, object]) -> Any:
        narrowed = scoped(statement)
        if has_tenant(narrowed):
            if not self.tenant:
                message = "this statement needs a tenant and there is none here"
                raise TenantError(message)
            parameters[PARAMETER] = self.tenant
        return self.transaction.sql.execute(narrowed, parameters)


class UnitOfWork(View):
    """What actions write through; what they add, change and record is stored together or not at all."""

    __slots__ = ("source",)

    def __init__(self, transaction: Transaction, context: Context, now: datetime, source: str) -> None:
        super().__init__(transaction, context, now)
        self.source = source

    def add(self, row: M) -> M:
        """Store a new row in this tenant."""
        if isinstance(row, TenantModel):
            if not self.tenant:
                message = f"a {type(row).__name__} needs a tenant and there is none here"
                raise TenantError(message)
            row.tenant_id = self.tenant
        statement = _inserts.get(type(row))
        if statement is None:
            statement = _inserts[type(row)] = insert(type(row))
        self.transaction.sql.execute(statement, {k: v for k, v in vars(row).items() if k != "_sa_instance_state"})
        return row

    def amend(self, model: type[Model], key: str, **values: object) -> None:
        """Set columns of the row with this primary key; raises NotFound when this tenant has none."""
        statement = _updates.get((model, *values))
        if statement is None:
            (primary,) = model.__table__.primary_key
            marks: dict[str, Any] = {name: bindparam(f"new_{name}") for name in values}
            statement = _updates[model, *values] = update(model).where(primary == bindparam("key")).values(marks)
        if not self.change(statement, key=key, **{f"new_{name}": value for name, value in values.items()}):
            raise NotFound(NOTHING)

    def change(self, statement: Update | Delete, **parameters: object) -> int:
        """Run an update or delete inside this tenant; gives how many rows it met."""
        count: int = self._execute(statement, parameters).rowcount
        return count

    def record(self, event: Event, *, due: datetime | None = None) -> None:
        """Store an event beside the rows it tells of; with `due`, it happens at that instant and not before."""
        envelope = Envelope(
            uuid7(),
            self.source,
            event.topic(),
            event.version(),
            self.tenant,
            event.partition_key(),
            (due or self.now).isoformat(),
            self.context.request_id,
            self.context.traceparent,
            msgspec.json.encode(event).decode(),
        )
        if due is None:
            outbox.append(self.transaction, [envelope])
        else:
            seconds = int(event.tolerance.total_seconds())
            outbox.defer(self.transaction, outbox.DueEvent(envelope, micros(due), event.missed, seconds))

    def withdraw(self, event: type[Event], key: str) -> int:
        """Take back what is due of an event type for a key, as when a lesson was cancelled; gives how many."""
        return outbox.withdraw(self.transaction, self.tenant, event.topic(), key)


class Store:
    """One service's database with its outbox: runs actions and queries, and alone hands work to the database."""

    def __init__(self, service: str, database: Database, clock: Clock) -> None:
        self.service, self.database, self.clock = service, database, clock
        self.committed = Bell()
        """Rung after each commit, which may have stored events."""

    async def work(
        self, context: Context, action: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action in a transaction of its own; its result is given once it is on disk."""
        body: Step[T] = Step(lambda transaction: action(self.unit(transaction, context), *args, **kwargs))
        (result,) = await self.write([body])
        if isinstance(result, Exception):
            raise result
        return result

    async def write(self, steps: Sequence[Step[T]]) -> list[T | Exception]:
        """Run steps in one commit; raises Unavailable when the storage refused them."""
        try:
            outcomes = await self.database.write(steps)
        except StorageFault as error:
            raise _unavailable(error) from error
        self.committed.ring()
        return [_unavailable(outcome) if isinstance(outcome, StorageFault) else outcome for outcome in outcomes]

    async def read(
        self, context: Context, query: Callable[Concatenate[View, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a query on what is committed."""
        try:
            return await self.database.read(
                lambda transaction: query(View(transaction, context, self.clock.now()), *args, **kwargs)
            )
        except StorageFault as error:
            raise _unavailable(error) from error

    def unit(self, transaction: Transaction, context: Context) -> UnitOfWork:
        return UnitOfWork(transaction, context, self.clock.now(), self.service)


def _unavailable(fault: StorageFault) -> Unavailable:
    return Unavailable(str(fault), retry_after=1)
