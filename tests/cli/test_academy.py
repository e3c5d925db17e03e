"""`aulario academy`: an installation without the demo gets its first people."""

import sqlite3
from contextlib import closing
from pathlib import Path

from aulario.cli import app
from tests.cli.conftest import Command

GOOD = "seven lamps behind the harbour"


def people(data: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(data / "identity.db")) as driver:
        query = "SELECT u.email, u.roles FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE t.slug LIKE 'by-hand%'"
        return driver.execute(f"{query} ORDER BY u.id").fetchall()


def test_an_academy_is_opened_beside_the_others(command: Command, lived: Path) -> None:
    """Its administrator administers it, and nothing more; its events are recorded, so the rest follows by itself."""
    result = command("academy", "by-hand", "--email", "Ana@hand.example", "--password", GOOD)
    assert result.code == 0
    assert "ana@hand.example can sign in" in result.out
    assert GOOD not in result.out
    assert people(lived) == [("ana@hand.example", '["admin"]')]


def test_what_cannot_be_is_refused(command: Command, lived: Path) -> None:
    """A weak password, a wrong name and a taken one are told, without the password, and nothing is opened."""
    wrong = {
        ("by-hand-2", "--password", "short"): "at least 10 characters",
        ("By Hand", "--password", GOOD): "slug",
        ("north", "--password", GOOD): "already",
        ("by-hand-3", "--password", GOOD, "--language", "xx"): "language",
    }
    for (slug, *options), reason in wrong.items():
        result = command("academy", slug, "--email", "ana@hand.example", *options)
        assert result.code == 1
        assert reason in result.out + result.err
        assert GOOD not in result.out + result.err
    assert people(lived) == []


def test_it_is_listed() -> None:
    """Whoever asks for help finds it."""
    assert "academy" in {found.name for found in app.registered_commands}
