"""Two small services for the tests of the core: `writer` posts notes, `reader` reacts to them in every way there is."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, Protocol

from sqlalchemy import MetaData, select
from sqlalchemy.orm import Mapped, mapped_column

from aulario.contracts.event import Event
from aulario.core.handlers import Handler, Outside, on, on_calling
from aulario.core.models import Model, TenantModel
from aulario.core.unit_of_work import UnitOfWork, View
from aulario.kit.ids import uuid7

METADATA = MetaData()


class Note(TenantModel):
    """What an author wrote."""

    __tablename__ = "notes"
    metadata = METADATA
    id: Mapped[str] = mapped_column(primary_key=True)
    author: Mapped[str]
    text: Mapped[str]
    price: Mapped[Decimal] = mapped_column(default=Decimal(0))
    written_at: Mapped[datetime | None] = mapped_column(default=None)


class Author(TenantModel):
    """Who writes."""

    __tablename__ = "authors"
    metadata = METADATA
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Effect(TenantModel):
    """One run of a handler that was stored: two rows for one event would be a doubled effect."""

    __tablename__ = "effects"
    metadata = METADATA
    id: Mapped[str] = mapped_column(primary_key=True)
    handler: Mapped[str]
    note_id: Mapped[str]
    text: Mapped[str]


class Flag(Model):
    """A row of the installation, of no tenant."""

    __tablename__ = "flags"
    metadata = METADATA
    id: Mapped[str] = mapped_column(primary_key=True)


class NotePosted(Event, frozen=True):
    """A note can be read."""

    type: ClassVar[str] = "note.posted.v2"
    key: ClassVar[str] = "author"

    note_id: str
    author: str
    text: str
    mood: str = ""
    """Added in version 2."""


class NoteSold(Event, frozen=True):
    """A note was paid for."""

    type: ClassVar[str] = "note.sold.v1"
    key: ClassVar[str] = "author"
    kept: ClassVar[None] = None

    note_id: str
    author: str
    text: str


class NoteDue(Event, frozen=True):
    """A reminder, better late than never."""

    type: ClassVar[str] = "note.due.v1"
    key: ClassVar[str] = "note_id"

    note_id: str


class DoorsOpened(Event, frozen=True):
    """A reminder that is of no use when it is late."""

    type: ClassVar[str] = "doors.opened.v1"
    key: ClassVar[str] = "note_id"
    missed: ClassVar[Literal["late", "skip"]] = "skip"
    tolerance: ClassVar[timedelta] = timedelta(minutes=1)

    note_id: str


class Boom(Exception):
    """An error nobody foresaw; its words must not be told."""


class Faults:
    """What a handler is to meet: for each text, errors that are raised one after the other."""

    def __init__(self) -> None:
        self.of: dict[str, list[Exception]] = defaultdict(list)

    def meet(self, text: str) -> None:
        if self.of[text]:
            raise self.of[text].pop(0)


class Teller(Protocol):
    """Somebody outside, who is told a text under a key."""

    async def tell(self, key: str, text: str) -> str: ...


def post(uow: UnitOfWork, text: str, author: str = "ana") -> Note:
    """Write a note and say so."""
    note = uow.add(Note(id=uuid7(), author=author, text=text, price=Decimal("1.50"), written_at=uow.now))
    uow.record(NotePosted(note_id=note.id, author=author, text=text))
    return note


def texts(view: View) -> list[str]:
    """Give the notes a reader sees, oldest first."""
    return [note.text for note in view.all(select(Note).order_by(Note.id))]


def effects(view: View, handler: str) -> list[str]:
    """Give the texts a handler took effect for, in order."""
    found = view.all(select(Effect).where(Effect.handler == handler).order_by(Effect.id))
    return [effect.text for effect in found]


def handlers(faults: Faults) -> Mapping[str, Handler]:
    """Give a handler of each kind, each of which stores one row an event."""

    def effect(uow: UnitOfWork, handler: str, event: NotePosted | NoteSold, text: str) -> None:
        uow.add(Effect(id=uuid7(), handler=handler, note_id=event.note_id, text=text))
        faults.meet(event.text)

    @on(NotePosted)
    def copy(uow: UnitOfWork, event: NotePosted) -> None:
        effect(uow, "copy", event, event.text)

    @on(NotePosted, ordered=True)
    def follow(uow: UnitOfWork, event: NotePosted) -> None:
        effect(uow, "follow", event, event.text)

    @on(NotePosted, begins="now")
    def newly(uow: UnitOfWork, event: NotePosted) -> None:
        effect(uow, "newly", event, event.text)

    @on(NoteSold)
    def book(uow: UnitOfWork, event: NoteSold) -> None:
        effect(uow, "book", event, event.text)

    def wanted(uow: UnitOfWork, event: NotePosted) -> str | None:
        uow.add(Effect(id=uuid7(), handler="tell.prepare", note_id=event.note_id, text=event.text))
        return event.text if event.text != "nothing to tell" else None

    async def make(outside: Outside, text: str) -> str:
        return await outside.backends[Teller].tell(outside.key, text)  # type: ignore[no-any-return]  # as backend() does

    @on_calling(NotePosted, wanted, make)
    def tell(uow: UnitOfWork, event: NotePosted, answer: str) -> None:
        effect(uow, "tell", event, answer)

    return {handler.name: handler for handler in (copy, follow, newly, book, tell)}
