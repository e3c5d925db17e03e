"""How a service says what it does when an event happens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from aulario.contracts.event import Event
from aulario.core.context import Context
from aulario.core.unit_of_work import UnitOfWork

E = TypeVar("E", bound=Event)
Request = TypeVar("Request")
Answer = TypeVar("Answer")
B = TypeVar("B")

Begins = Literal["first", "now"]


@dataclass(frozen=True, slots=True)
class Outside:
    """What a handler that calls out is given: its backends, and the key that makes a repeated call harmless."""

    key: str
    context: Context
    backends: dict[type, Any]

    def backend(self, contract: type[B]) -> B:
        """Give the backend that was chosen for a contract."""
        found: B = self.backends[contract]
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """The two parts of a handler that go before its effect: what to ask (a unit of work), and the asking (no unit)."""

    prepare: Callable[[UnitOfWork, Any], Any]
    """Gives the request, or None when there is nothing to call for; may run again after a crash."""
    make: Callable[[Outside, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Handler:
    """A reaction to one event; its effect and the mark that it happened are one transaction."""

    event: type[Event]
    run: Callable[..., None]
    call: Call | None = None
    ordered: bool = False
    """Whether later events of a key wait behind one that failed."""
    begins: Begins = "first"
    """Where a handler that is new to an installation starts: at the first event kept, or with what comes now."""
    name: str = field(default="")

    @property
    def topic(self) -> str:
        return self.event.topic()


def on(
    event: type[E], *, ordered: bool = False, begins: Begins = "first"
) -> Callable[[Callable[[UnitOfWork, E], None]], Handler]:
    """Declare a handler whose effect is a unit of work: safe to repeat, and repeated never."""

    def declare(function: Callable[[UnitOfWork, E], None]) -> Handler:
        return Handler(event, function, None, ordered, begins, function.__name__)

    return declare


def on_calling(
    event: type[E],
    prepare: Callable[[UnitOfWork, E], Request | None],
    make: Callable[[Outside, Request], Awaitable[Answer]],
) -> Callable[[Callable[[UnitOfWork, E, Answer], None]], Handler]:
    """Declare a handler that calls out first, outside any transaction, and then stores what it was told.

    A crash between the call and the effect repeats the call with the same `Outside.key`.
    """

    def declare(function: Callable[[UnitOfWork, E, Answer], None]) -> Handler:
        return Handler(event, function, Call(prepare, make), name=function.__name__)

    return declare
