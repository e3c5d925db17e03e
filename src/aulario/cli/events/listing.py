"""`aulario events list`: the newest events of all services."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from aulario.cli.events import reading
from aulario.cli.events.reading import Cursor, Wanted
from aulario.cli.failing import explained
from aulario.cli.look import coloured, console, print_json, table, when
from aulario.cli.opening import AsJson, Stores, configured, with_stores
from aulario.contracts.catalogue import SOURCES
from aulario.contracts.event import Envelope
from aulario.core.inspecting import State


class Found(NamedTuple):
    """A page of events, what became of each, and where the next page begins."""

    events: Sequence[Envelope]
    states: Sequence[Sequence[State]]
    cursor: Cursor


def list_events(
    service: Annotated[str | None, typer.Option(help=f"Recorded by this service: {', '.join(SOURCES)}.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this academy: its short name or its id.")] = None,
    topic: Annotated[str | None, typer.Option(help="Of this topic, such as order.created.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    before: Annotated[str | None, typer.Option(help="Go on where a list ended; it prints what to give.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List events, the newest first, with what became of each.

    Examples:
    * `aulario events list --topic order.created --limit 5`
    * `aulario events list --service payments --tenant north --json`

    """
    with explained("No events can be listed"):
        if service is not None and service not in SOURCES:
            message = f"there is no service {service!r}; there are {', '.join(SOURCES)}"
            raise typer.BadParameter(message)
        cursor = _parsed(before)

        async def read(stores: Stores) -> Found:
            wanted = Wanted(service, await reading.tenant_id(stores, tenant), topic)
            events = await reading.newest(stores, wanted, cursor, limit)
            return Found(events, await reading.handled(stores, events), reading.moved(cursor, events))

        found = with_stores(configured(), read)
    if as_json:
        print_json(
            [
                {**event.cloudevent(), "handlers": [state._asdict() for state in states]}
                for event, states in zip(found.events, found.states, strict=True)
            ]
        )
    else:
        _show(found, full=len(found.events) == limit)


def _show(found: Found, *, full: bool) -> None:
    if not found.events:
        console.print("There are no such events.")
        return
    rows = table("recorded", "event", "by", "handlers", "id")
    for event, states in zip(found.events, found.states, strict=True):
        rows.add_row(when(event.time), event.topic, event.source, summary(states), event.id)
    console.print(rows)
    if full:
        console.print(f"\nOlder ones: [bold]aulario events list --before {_written(found.cursor)}[/]")
    console.print("\nAll about one: [bold]aulario events show ID[/]", style="dim")


def summary(states: Sequence[State]) -> str:
    """Say in a few words what the handlers of an event did."""
    counts = Counter(state.status for state in states)
    return (
        ", ".join(coloured(status, f"{count} {status}") for status, count in counts.items()) or "[dim]nobody hears[/]"
    )


def _written(cursor: Cursor) -> str:
    return ",".join(f"{service}:{position}" for service, position in sorted(cursor.items()))


def _parsed(text: str | None) -> Cursor:
    """Read what `_written` wrote; raises BadParameter for anything else."""
    cursor: dict[str, int] = {}
    for part in text.split(",") if text else ():
        service, _, position = part.partition(":")
        if service not in SOURCES or not position.isdecimal():
            message = f"--before {text} is not what a list printed, such as identity:120,orders:88"
            raise typer.BadParameter(message)
        cursor[service] = int(position)
    return cursor
