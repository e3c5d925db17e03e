"""The listening side of `aulario up`: its address, and a server that drains when it is told to stop."""

import errno
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from aulario.app import Platform
from aulario.settings import Settings


def listening(settings: Settings) -> socket.socket:
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


def address_of(listener: socket.socket) -> str:
    """Give the address that a browser would be given; the port may be one that the system chose."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
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
            log_level="warning",
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
