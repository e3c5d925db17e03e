"""Copies several SQLite databases as they all stood at one instant, while they are written to."""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from aulario.backends.database import DatabaseError
from aulario.backends.database.sqlite import connect

PATIENCE = 10.0
"""Seconds to wait for a writer that is in the middle of a commit."""


def copy_together(files: Mapping[Path, Path]) -> float:
    """Copy each file to its target; gives the seconds for which writers had to wait.

    All write locks are held at one moment, in which a reader is pinned in each file: no copy can show an effect whose
    cause another lacks, in whichever direction the services hear each other. Then everybody may write again, while the
    readers copy what they see.
    """
    with ExitStack() as stack:
        writers = [stack.enter_context(closing(_opened(path))) for path in sorted(files)]
        readers = {path: stack.enter_context(closing(_opened(path))) for path in files}
        writers[0].execute("BEGIN IMMEDIATE")
        began = time.perf_counter()
        for writer in writers[1:]:
            writer.execute("BEGIN IMMEDIATE")
        for reader in readers.values():
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for writer in writers:
            writer.execute("ROLLBACK")
        paused = time.perf_counter() - began
        for path, reader in readers.items():
            _copy(reader, files[path])
    return paused


def faults(path: Path) -> list[str]:
    """Read a whole database and tell what is damaged in it."""
    with closing(_opened(path)) as driver:
        found = [str(row[0]) for row in driver.execute("PRAGMA quick_check(5)")]
    return [] if found == ["ok"] else found


def rows(path: Path) -> dict[str, int]:
    """Count the rows of each table."""
    with closing(_opened(path)) as driver:
        found = driver.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = sorted(row[0] for row in found)
        return {name: driver.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608 - a table's own name


def _copy(reader: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        reader.backup(copy)
    if damage := faults(target):
        message = f"the copy of {target.name} is damaged, and so may be what it was made from: {damage[0]}"
        raise DatabaseError(message)


def _opened(path: Path) -> sqlite3.Connection:
    driver = connect(path)
    driver.execute(f"PRAGMA busy_timeout={round(PATIENCE * 1000)}")
    return driver
