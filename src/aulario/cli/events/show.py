"""`aulario events show`: one event, what every handler did with it, and what came of it."""

from typing import Annotated, NamedTuple

import typer
from rich.markup import escape

from aulario.backends.database import DatabaseError
from aulario.cli.events import reading
from aulario.cli.events.listing import summary
from aulario.cli.failing import explained
from aulario.cli.look import coloured, console, print_json, show_json, table, when
from aulario.cli.opening import AsJson, Stores, configured, with_stores
from aulario.contracts.event import Envelope
from aulario.core.inspecting import State
from aulario.core.sweeping import KEPT


class Shown(NamedTuple):
    """An event, what its handlers did, and what its request led to with what was done about that."""

    event: Envelope
    states: list[State]
    later: list[tuple[Envelope, list[State]]]


def show(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id, as lists and logs have it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one event as CloudEvents JSON, what each handler did with it, and what its request led to.

    Example: `aulario events show 019aa6f0-5d3c-7f3e-a0c4-0d6f0e1b2c3d`
    """
    with explained("The event cannot be shown"):
        found = with_stores(configured(), lambda stores: _read(stores, event_id))
    if as_json:
        later = [event.cloudevent() for event, _ in found.later]
        states = [state._asdict() for state in found.states]
        print_json({"event": found.event.cloudevent(), "handlers": states, "later": later})
    else:
        _show(found)


async def _read(stores: Stores, event_id: str) -> Shown:
    event = await reading.find(stores, event_id)
    if event is None:
        message = f"there is no event {event_id}; events are kept for {KEPT.days} days"
        raise DatabaseError(message)
    later = await reading.later(stores, event)
    (states, *more) = await reading.handled(stores, [event, *later])
    return Shown(event, states, list(zip(later, more, strict=True)))


def _show(found: Shown) -> None:
    event = found.event
    console.print(f"[bold]{event.topic}[/], number {event.sequence} of {event.source}, {when(event.time)}\n")
    show_json(event.cloudevent())
    console.print()
    if not found.states:
        console.print("No handler hears it.")
    else:
        rows = table("handler", "state", "since", "attempts", "next", "error", title="What was done with it")
        for state in found.states:
            rows.add_row(*_row(state))
        console.print(rows)
    if found.later:
        rows = table("recorded", "event", "by", "handlers", "id", title="\nWhat came later, of the same request")
        for one, states in found.later:
            rows.add_row(when(one.time), one.topic, one.source, summary(states), one.id)
        console.print(rows)


def _row(state: State) -> tuple[str, ...]:
    return (
        state.handler,
        coloured(state.status),
        when(state.taken) if state.taken else "",
        str(state.attempts) if state.attempts else "",
        when(state.due) if state.due else "",
        # What became of it in the end is no longer an error.
        escape(state.error or "") if state.status != "done" else "",
    )
