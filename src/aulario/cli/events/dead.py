"""`aulario events dead`: what handlers gave up, grouped by handler and error."""

from functools import partial
from typing import Annotated

import typer
from msgspec import to_builtins
from rich.markup import escape

from aulario.cli.events import reading
from aulario.cli.failing import explained
from aulario.cli.look import console, number, print_json, table, when
from aulario.cli.opening import AsJson, Stores, configured, with_stores
from aulario.core import dead_letters
from aulario.core.dead_letters import Choice, Group
from aulario.core.inbox import Held


def dead(
    tenant: Annotated[str | None, typer.Option(help="Of this academy: its short name or its id.")] = None,
    handler: Annotated[str | None, typer.Option(help="Of this handler, such as orders.on_user_created.")] = None,
    *,
    letters: Annotated[bool, typer.Option("--letters", help="List each of them, the oldest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show dead letters: events that a handler gave up, grouped by handler and error.

    Examples:
    * `aulario events dead`
    * `aulario events dead --tenant north --letters`

    """
    with explained("Dead letters cannot be shown"):
        settings = configured()
        if letters:
            found = with_stores(settings, lambda stores: _letters(stores, tenant, handler))
            print_json([to_builtins(letter) for letter in found]) if as_json else _show_letters(found)
        else:
            groups = with_stores(settings, lambda stores: _groups(stores, tenant, handler))
            print_json([group._asdict() for group in groups]) if as_json else _show_groups(groups)


async def _groups(stores: Stores, tenant: str | None, handler: str | None) -> list[Group]:
    tenant = await reading.tenant_id(stores, tenant)
    found: list[Group] = []
    for store in stores.values():
        found += await store.database.read(partial(dead_letters.groups, tenant=tenant))
    return sorted((group for group in found if handler in (None, group.handler)), key=lambda group: -group.letters)


async def _letters(stores: Stores, tenant: str | None, handler: str | None) -> list[Held]:
    choice = Choice(await reading.tenant_id(stores, tenant), handler)
    found: list[Held] = []
    for store in stores.values():
        found += await store.database.read(partial(dead_letters.letters, choice=choice))
    return found


def _show_groups(groups: list[Group]) -> None:
    if not groups:
        console.print("[green]There are no dead letters.[/]")
        return
    rows = table("letters", "handler", "event", "error", "first", "last")
    for group in groups:
        first, last = when(group.first), when(group.last)
        rows.add_row(f"[red]{group.letters}[/]", group.handler, group.topic, escape(group.error), first, last)
    console.print(rows)
    total = number(sum(group.letters for group in groups), "dead letter")
    console.print(f"\n{total}. When the cause is gone: [bold]aulario events replay --handler {groups[0].handler}[/]")


def _show_letters(letters: list[Held]) -> None:
    if not letters:
        console.print("[green]There are no dead letters.[/]")
        return
    rows = table("died", "handler", "attempts", "error", "id")
    for letter in letters:
        last = letter.history[-1]
        rows.add_row(when(last.at), letter.handler, str(letter.attempts), escape(last.error), letter.envelope.id)
    console.print(rows)
