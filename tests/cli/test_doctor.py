"""`aulario doctor`: what is configured, what answers, what is wrong and what to do."""

import asyncio
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aulario.app import open_secrets
from aulario.kit.lock import FolderLock
from aulario.settings import Settings
from tests.cli.conftest import Command, Running, content


def remedies(command: Command, **settings: str) -> dict[str, str]:
    """Give what is to be done, by part; nothing when all is well."""
    result = command("doctor", **settings)
    found = result.out.partition("What to do:\n")[2].splitlines()
    assert result.code == (1 if found else 0), result.out
    return dict(line.removeprefix("  ✗ ").split(": ", 1) for line in found)


def free_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return str(listener.getsockname()[1])


def test_a_healthy_folder_is_told_part_by_part(command: Command, lived: Path) -> None:
    """Nothing is wrong: each database with what is in it, the secrets, the port; and nothing was changed by looking."""
    before = content(lived)
    result = command("doctor", AULARIO_PORT=free_port())
    assert result.code == 0
    assert "Nothing is wrong." in result.out
    assert "whole, schema up to date; 17 events recorded, 0 taken" in result.out
    assert "4 secrets, all can be read" in result.out
    assert "held by nobody" in result.out
    assert content(lived) == before


def test_no_folder_yet_is_nothing_wrong(command: Command, tmp_path: Path) -> None:
    """Before the first start there is nothing to be wrong, and the doctor makes nothing."""
    assert remedies(command) == {}
    assert not (tmp_path / "data").exists()


def test_settings_are_listed_and_secrets_masked(command: Command) -> None:
    """Every setting with its value, which of them were set, and never a secret's value."""
    key = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
    out = command("doctor", AULARIO_SECRETS_KEY=key, AULARIO_MAX_BODY="2048").out
    listed = {line.split()[0]: line for line in out.splitlines() if line.startswith("AULARIO_")}
    assert set(listed) == {f"AULARIO_{name.upper()}" for name in Settings.model_fields}
    assert listed["AULARIO_MAX_BODY"].split()[1:3] == ["2048", "set"]
    assert listed["AULARIO_ISSUER"].split()[1:3] == ["aulario", "default"]
    assert "***" in listed["AULARIO_SECRETS_KEY"]
    assert key not in out


def test_a_wrong_setting_is_told(command: Command) -> None:
    """It is the first thing that can be wrong, and the message is the one a start gives."""
    result = command("doctor", AULARIO_GRACE="long")
    assert result.code == 1
    assert result.err.startswith("The settings are wrong: AULARIO_GRACE is 'long'")


def test_a_running_platform_is_asked(command: Command, lived: Path, up: Callable[..., Running]) -> None:
    """While it runs the doctor may look at everything, and asks it whether it is ready."""
    port = free_port()
    running = up(AULARIO_PORT=port)
    out = command("doctor", AULARIO_PORT=port).out
    assert f"process {running.process.pid} is ready at http://127.0.0.1:{port}" in out
    assert f"held by process {running.process.pid}" in out
    assert running.stop() == 0
    assert lived.exists()


def test_a_platform_that_does_not_answer_is_wrong(command: Command, lived: Path) -> None:
    """Somebody holds the folder and nothing answers: it may listen elsewhere, or hang."""
    lock = FolderLock(lived)
    lock.take()
    assert "AULARIO_PORT" in remedies(command, AULARIO_PORT=free_port())["platform"]
    lock.release()


@pytest.mark.usefixtures("lived")
def test_a_port_that_another_program_has_is_wrong(command: Command) -> None:
    """A start would be refused; what to do is said before."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        found = remedies(command, AULARIO_PORT=str(listener.getsockname()[1]))
    assert found["platform"].startswith("stop what listens there, or choose another")


def test_a_damaged_database_is_wrong(command: Command, lived: Path) -> None:
    """A damaged page is found by reading everything; the others are still looked at."""
    file = lived / "payments.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    assert "aulario restore BACKUP" in remedies(command)["payments.db"]
    file.write_bytes(b"\0" * 100 + whole[100:])
    assert set(remedies(command)) == {"payments.db"}


def test_another_schema_is_wrong(command: Command, lived: Path) -> None:
    """Behind or ahead, the doctor names the command that helps."""
    with closing(sqlite3.connect(lived / "orders.db", isolation_level=None)) as driver:
        driver.execute("UPDATE orders_schema SET version_num = '9999'")
    assert "aulario migrate" in remedies(command)["orders.db"]


def test_dead_letters_are_wrong(command: Command, lived: Path) -> None:
    """Somebody has to look at them."""
    with closing(sqlite3.connect(lived / "orders.db", isolation_level=None)) as driver:
        driver.execute("UPDATE inbox SET status = 'dead' WHERE handler = 'orders.on_course_published'")
    assert remedies(command)["orders.db"] == "see them with: aulario events dead"


def test_secrets_that_cannot_be_read_are_wrong(command: Command, lived: Path) -> None:
    """An altered secret is named, and its value is nowhere in the answer."""
    password = asyncio.run(open_secrets(Settings(data=lived)).get("demo-password"))
    (lived / "secrets/signing-keys.secret").write_bytes(b"altered")
    result = command("doctor")
    assert result.code == 1
    assert "signing-keys.secret" in result.out
    assert password is not None
    assert password.decode() not in result.out


def test_an_unclean_stop_is_told(command: Command, lived: Path) -> None:
    """What a killed process left in a log is counted, with what of it was torn."""
    with closing(sqlite3.connect(lived / "orders.db", isolation_level=None)) as driver:
        driver.execute("CREATE TABLE probe (number INTEGER)")
        log = (lived / "orders.db-wal").read_bytes()
        main = (lived / "orders.db").read_bytes()
    (lived / "orders.db").write_bytes(main)
    (lived / "orders.db-wal").write_bytes(log + b"torn")
    out = command("doctor").out
    frames = (len(log) - 32) // 4120
    assert f"the last stop was not clean: {frames} frames of the log were kept, 4 bytes that no commit covers" in out
