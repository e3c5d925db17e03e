"""A service of the tests: lines are written into books, and a handler reads each line once and in the book's order."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import MetaData, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from aulario.contracts.courses import CoursePublished
from aulario.core.context import Context
from aulario.core.handlers import on
from aulario.core.models import TenantModel
from aulario.core.routing import Routes
from aulario.core.service import Service
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7


class DiaryModel(TenantModel):
    """A row of this service."""

    __abstract__ = True
    metadata = MetaData()


class Line(DiaryModel):
    """What was written: the n-th line of a book."""

    __tablename__ = "lines"

    id: Mapped[str] = mapped_column(primary_key=True)
    book: Mapped[str]
    number: Mapped[int]


class Reading(DiaryModel):
    """What was read, in the order of the table's own row numbers."""

    __tablename__ = "readings"

    id: Mapped[str] = mapped_column(primary_key=True)
    book: Mapped[str]
    number: Mapped[int]


_NEWEST = select(func.max(Line.number)).where(Line.book == bindparam("book"))


def write(uow: UnitOfWork, book: str, wait: timedelta | None = None) -> str:
    """Write a book's next line; it is told of at once, or when `wait` is over. Gives the line's name."""
    number = (uow.scalar(_NEWEST, book=book) or 0) + 1
    line = uow.add(Line(id=f"{book}/{number}", book=book, number=number))
    due: datetime | None = uow.now + wait if wait else None
    uow.record(
        CoursePublished(
            course_id=book, title=str(number), price=Decimal(0), currency="EUR", welcome=False, published_at=uow.now
        ),
        due=due,
    )
    return line.id


@on(CoursePublished, ordered=True)
def on_course_published(uow: UnitOfWork, event: CoursePublished) -> None:
    """Read a line; it goes by a contract's event, for only what stands in contracts has a source."""
    name = f"{event.course_id}/{event.title}"
    uow.add(Reading(id=f"{name} {uuid7()}", book=event.course_id, number=int(event.title)))


diary = Service(
    name="courses",
    routes=Routes("courses"),
    tables=DiaryModel.metadata,
    migrations=Path(__file__).parent / "migrations",
    handlers=(on_course_published,),
)

TENANT = Context.root("diary", sampled=False).in_tenant("tenant")
