"""`aulario events replay`: dead letters are tried again, as often as wanted, without a second effect."""

from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Annotated

import typer

from aulario.cli.events import reading
from aulario.cli.failing import explained
from aulario.cli.look import console, number
from aulario.cli.opening import Stores, configured, with_stores, write
from aulario.core import dead_letters
from aulario.core.dead_letters import Choice, Replay
from aulario.kit.lock import holder

STEP = 500
"""Letters revived in one transaction, so that a running Aulario never waits long for one."""


def replay(
    event_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One event, for whoever gave it up.")] = None,
    handler: Annotated[str | None, typer.Option(help="All that this handler gave up.")] = None,
    error: Annotated[str | None, typer.Option(help="All that died of exactly this error.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only of this academy: its short name or its id.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let dead letters be tried again: one event, all of a handler or an error, or all.

    An effect never happens twice. What is older than the inbox remembers is refused, for then that would not be sure.
    A running Aulario notices within a second; otherwise they are tried at the next start.

    Examples:
    * `aulario events replay 019aa6f0-5d3c-7f3e-a0c4-0d6f0e1b2c3d`
    * `aulario events replay --handler payments.on_order_created --yes`

    """
    if everything == any((event_id, handler, error)):
        message = "say which: an event's ID, --handler or --error (or both), or --all"
        raise typer.BadParameter(message)
    with explained("Nothing was replayed"):
        settings = configured()
        chosen = Choice(None, handler, error, event_id)
        choice, counts = with_stores(settings, lambda stores: _look(stores, chosen, tenant))
        total, refused = (sum(column) for column in zip(*counts.values(), strict=True))
        console.print(_said(total, refused))
        if total == 0 or not (yes or typer.confirm("Go on?")):
            return
        done = with_stores(settings, lambda stores: _replay(stores, choice, counts))
        running = holder(settings.data)
    moment = f"by the Aulario that runs (process {running})" if running else "when Aulario next starts"
    console.print(f"[green]{number(done, 'dead letter')} will be tried again[/] {moment}.")


def _said(total: int, refused: int) -> str:
    said = f"{number(total, 'dead letter')} will be tried again." if total else "No dead letter is to be tried again."
    if refused:
        said += f" [yellow]{number(refused, 'is', 'are')} refused: too old for a second effect to be ruled out.[/]"
    return said


async def _look(stores: Stores, chosen: Choice, tenant: str | None) -> tuple[Choice, Mapping[str, Replay]]:
    choice = chosen._replace(tenant=await reading.tenant_id(stores, tenant))
    counts = {
        name: await store.database.read(partial(dead_letters.count, choice=choice, now=store.clock.now()))
        for name, store in stores.items()
    }
    return choice, counts


async def _replay(stores: Stores, choice: Choice, counts: Mapping[str, Replay]) -> int:
    """Revive no more than was counted: one that dies again at once must not be revived for ever."""
    done = 0
    for name, (count, _) in counts.items():
        for _ in range(ceil(count / STEP)):
            now = stores[name].clock.now()
            step = await write(stores[name], partial(dead_letters.replay, choice=choice, now=now, limit=STEP))
            done += step.replayed
    return done
