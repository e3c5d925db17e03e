"""`aulario migrate`: all databases at this version's schema, or none touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

from aulario.kit.lock import FolderLock
from tests.cli.conftest import Command, content


def test_it_says_what_was_run(command: Command, tmp_path: Path) -> None:
    """An empty folder gets every chain of every service; a second time there is nothing to do."""
    first = command("migrate")
    assert first.code == 0
    for service in ("identity", "courses", "orders", "payments"):
        assert f"{service}_schema 0001" in first.out
        assert (tmp_path / "data" / f"{service}.db").exists()
    second = command("migrate")
    assert second.out == f"Nothing to do: all 4 databases in {tmp_path / 'data'} are up to date.\n"


def test_a_newer_schema_is_refused_before_another_is_touched(command: Command, lived: Path) -> None:
    """One database of a newer version: an error, although the others could have been migrated."""
    with closing(sqlite3.connect(lived / "payments.db", isolation_level=None)) as driver:
        driver.execute("UPDATE core_schema SET version_num = '9999'")
    (lived / "identity.db").unlink()
    before = content(lived)
    result = command("migrate")
    assert result.code == 1
    assert result.err.startswith("Nothing was migrated: the database of payments has schema 9999")
    assert content(lived) == before


def test_a_folder_that_is_held_is_refused(command: Command, lived: Path) -> None:
    """A running Aulario's databases are migrated by that Aulario alone."""
    lock = FolderLock(lived)
    lock.take()
    result = command("migrate")
    lock.release()
    assert result.code == 1
    assert "is in use by another Aulario" in result.err
