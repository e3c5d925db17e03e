"""How a command that cannot do its work says so: one message, no trace, exit code 1, and nothing changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from aulario.backends.database import DatabaseError
from aulario.backends.secrets import SecretsError
from aulario.core.errors import Problem
from aulario.kit.archive import ArchiveError
from aulario.kit.lock import LockedError
from aulario.settings import SettingsError

OURS = (ArchiveError, DatabaseError, LockedError, Problem, SecretsError, SettingsError)
STORAGE = (OSError, sqlite3.Error, SQLAlchemyError)

errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what can be foreseen into a message, such as "Aulario did not start: the port is taken"."""
    try:
        yield
    except (*OURS, *STORAGE) as error:
        errors.print(f"[bold red]{what}[/]: ", end="")
        # Not as markup: an error may quote what somebody wrote, brackets and all.
        errors.print(_said(error), markup=False)
        raise typer.Exit(1) from error


def _said(error: Exception) -> str:
    """Give the error's words; the operating system's without its number."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
