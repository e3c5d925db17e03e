"""`aulario up`: every service in this process, served until it is told to stop."""

import errno
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
import uvloop

from aulario.app import Platform
from aulario.cli.failing import explained
from aulario.cli.look import console, table
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
        pretty = settings.log == "pretty" or (settings.log == "auto" and sys.stderr.isatty())
        logs.setup(pretty=pretty, level=settings.log_level)
        # The port comes first: one that is taken must stop the start before anything is touched.
        with _listening(settings) as listener:
            uvloop.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with Platform(settings) as platform:
        demo = await seed(platform) if settings.demo else None
        await _Server(platform, settings, lambda: _greet(listener, demo)).serve([listener])


def _listening(settings: Settings) -> socket.socket:
    """Take the address; raises OSError with what to do when somebody else has it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        hint = (
            "; stop what listens there, or choose another with AULARIO_PORT" if error.errno == errno.EADDRINUSE else ""
        )
        message = f"cannot listen on {settings.host}:{settings.port} ({error.strerror}){hint}"
        raise OSError(message) from error
    return listener


class _Server(uvicorn.Server):
    """Answers "not ready" from the moment it is told to stop; a second signal does not wait any longer."""

    def __init__(self, platform: Platform, settings: Settings, started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            platform.web,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            # Longer than proxies keep theirs, so that none is handed a connection that is just being closed.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=round(settings.grace),
            backlog=2048,
        )
        super().__init__(config)
        self._platform, self._started = platform, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that it is ready when it is: whoever reads that may connect, and stop it again."""
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what signal it was is all one
        # Not by super: it would raise the signal again after serving, and end us before the platform is closed.
        self._platform.drain()
        self.force_exit = self.should_exit
        self.should_exit = True


def _greet(listener: socket.socket, demo: Demo | None) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.print(f"\n[bold]Aulario is ready[/] at [link={address}]{address}[/]")
    if demo is not None:
        rows = table("academy", "role", "e-mail")
        for person in demo.people:
            rows.add_row(person.academy, person.role, person.email)
        console.print(f"\nDemo log-ins, all with the password [bold]{demo.password}[/]\n")
        console.print(rows)
        console.print(f"\nIn another terminal: [bold].venv/bin/aulario flows run welcome --url {address}[/]")
    console.print("Ctrl-C stops it.\n", style="dim")
