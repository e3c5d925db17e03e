"""`aulario up`: every service in this process, served until it is told to stop."""

import gc
from pathlib import Path
from socket import socket
from typing import Annotated

import typer
import uvloop

from aulario.app import Platform
from aulario.cli.failing import explained
from aulario.cli.look import console, table
from aulario.cli.serving import Server, address_of, listening
from aulario.core import logs
from aulario.demo import Demo, seed
from aulario.settings import Settings, load


def up(
    host: Annotated[str | None, typer.Option(help="Listen here instead of AULARIO_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Listen here instead of AULARIO_PORT; 0 takes a free port.")] = None,
    data: Annotated[Path | None, typer.Option(help="Keep everything here instead of AULARIO_DATA.")] = None,
) -> None:
    """Start the whole platform in this process; Ctrl-C or SIGTERM finishes what is in flight and stops."""
    with explained("Aulario did not start"):
        given = {"host": host, "port": port, "data": data}
        settings = load().model_copy(update={name: value for name, value in given.items() if value is not None})
        logs.setup(pretty={"pretty": True, "json": False}.get(settings.log), level=settings.log_level)
        # The port comes first: one that is taken must stop the start before anything is touched.
        with listening(settings) as listener:
            uvloop.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket) -> None:
    async with Platform(settings) as platform:
        demo = await seed(platform) if settings.demo else None
        _settle_memory()
        await Server(platform, settings, lambda: _greet(address_of(listener), demo)).serve([listener])


def _settle_memory() -> None:
    """Let the collector pass over what lives as long as the process: walking all of it made slow requests slower."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _greet(address: str, demo: Demo | None) -> None:
    console.print(f"\n[bold]Aulario is ready[/] at [link={address}]{address}[/]")
    if demo is not None:
        rows = table("academy", "role", "e-mail")
        for person in demo.people:
            rows.add_row(person.academy, person.role, person.email)
        console.print(f"\nDemo log-ins, all with the password [bold]{demo.password}[/]\n")
        console.print(rows)
        console.print(f"\nIn another terminal: [bold].venv/bin/aulario flows run welcome --url {address}[/]")
    console.print("Ctrl-C stops it.\n", style="dim")
