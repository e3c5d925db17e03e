"""How a command that cannot do its work says so: one message, no trace, exit code 1, and nothing changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from aulario.backends.database import DatabaseError
from aulario.backends.secrets import SecretsError
from aulario.core.errors import Problem
from aulario.core.migrating import SchemaError
from aulario.kit.lock import LockedError
from aulario.settings import SettingsError

FORESEEN = (DatabaseError, LockedError, OSError, Problem, SchemaError, SecretsError, SettingsError, sqlite3.Error)

errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what can be foreseen into a message, such as "Aulario did not start: the port is taken"."""
    try:
        yield
    except FORESEEN as error:
        errors.print(f"[bold red]{what}[/]: {error}", markup=True)
        raise typer.Exit(1) from error
