"""`aulario version`: what this is, for a bug report."""

import platform
import sqlite3

from aulario import __version__
from aulario.cli.look import console


def version() -> None:
    """Print the version of Aulario, and of what it stands on."""
    console.print(f"[bold]aulario {__version__}[/]")
    console.print(
        f"python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.release()} ({platform.machine()})",
        style="dim",
    )
