"""`aulario up` as a process of its own: starts that are refused change nothing, and a stop drains."""

import json
import re
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Running, child, content, ended

Start = Callable[..., Running]
Refused = Callable[..., str]


@pytest.fixture
def refused(command: Command, tmp_path: Path) -> Callable[..., str]:
    """Start, expect the refusal to change nothing in the folder, and give its words."""

    def start(**settings: str) -> str:
        before = content(tmp_path)
        result = command("up", **settings)
        assert result.code == 1
        assert content(tmp_path) == before
        (line,) = result.err.splitlines()
        return line.removeprefix("Aulario did not start: ")

    return start


@pytest.mark.usefixtures("lived")
def test_a_taken_port_is_refused(refused: Refused) -> None:
    """Somebody else listens there: the error says so, and what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        said = refused(AULARIO_PORT=port)
    assert said.startswith(f"cannot listen on 127.0.0.1:{port} (Address already in use); stop what listens there")


def test_a_locked_folder_is_refused(lived: Path, up: Start) -> None:
    """Another Aulario holds the folder: the error names its process, which goes on undisturbed."""
    running = up()
    result = ended(child(lived))
    assert result.code == 1
    assert f"{lived} is in use by another Aulario (process {running.process.pid})" in result.err
    assert running.stop() == 0


def test_a_corrupt_database_is_refused(lived: Path, refused: Refused) -> None:
    """A file that is no database any more: named, with what to do; the healthy ones are not touched either."""
    file = lived / "payments.db"
    file.write_bytes(b"\0" * 100 + file.read_bytes()[100:])
    said = refused()
    assert said.startswith(f"{file} cannot be opened (its header is damaged); nothing was changed.")
    assert "aulario restore" in said


def test_a_newer_schema_is_refused(lived: Path, refused: Refused) -> None:
    """A database that a newer version made is left to that version, and so are all the others."""
    with closing(sqlite3.connect(lived / "payments.db", isolation_level=None)) as driver:
        driver.execute("UPDATE payments_schema SET version_num = '9999'")
    assert refused().startswith("the database of payments has schema 9999, which this version of Aulario does not")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"AULARIO_PORT": "eighty"}, "AULARIO_PORT is 'eighty': Input should be a valid integer"),
        ({"AULARIO_DATE": "x"}, "AULARIO_DATE is no setting. Is AULARIO_DATA meant?"),
    ],
)
def test_a_wrong_setting_is_refused(refused: Refused, settings: dict[str, str], said: str) -> None:
    """The setting is named with what was expected, and a misspelt name with the one that is near."""
    assert refused(**settings).startswith(said)


def test_an_unwritable_folder_is_refused(tmp_path: Path, refused: Refused) -> None:
    """Where no folder can be made the error names it; nothing else happens."""
    (tmp_path / "file").write_text("not a folder")
    said = refused(AULARIO_DATA=str(tmp_path / "file" / "data"))
    assert said == f"{tmp_path / 'file' / 'data'}: Not a directory"


def test_a_half_finished_restore_is_refused(lived: Path, refused: Refused) -> None:
    """A folder that a restore did not come through is not started on, for parts of it may be missing."""
    (lived / "restoring").mkdir()
    assert "did not finish; empty that folder and restore again" in refused()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_drains(lived: Path, up: Start, number: int) -> None:
    """Ctrl-C or SIGTERM with requests in flight: each is answered and kept, then all files are whole and it ends 0."""
    running = up(AULARIO_ADDRESS_RATE="1000/minute")
    flying = [_begun(running.address, f"late{index}") for index in range(8)]
    running.process.send_signal(number)
    answers = [_finished(connection, body) for connection, body in flying]
    assert running.process.wait(20) == 0
    assert [answer.partition(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 202 Accepted"] * 8
    assert not [path.name for path in lived.iterdir() if path.name.endswith(("-wal", "-shm"))]
    with closing(sqlite3.connect(lived / "identity.db")) as driver:
        assert driver.execute("SELECT count(*) FROM users WHERE email LIKE 'late%'").fetchone() == (8,)


def _begun(address: str, name: str) -> tuple[socket.socket, bytes]:
    """Begin a request and wait until the server asks for its body: from then on it is in flight."""
    body = json.dumps(
        {"academy": "north", "email": f"{name}@north.example", "name": name, "password": "seven lamps by the harbour"}
    ).encode()
    host, port = re.fullmatch(r"http://(.+):(\d+)", address).groups()  # type: ignore[union-attr]  # it has this form
    connection = socket.create_connection((host, int(port)), timeout=20)
    head = f"POST /api/auth/register HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert connection.recv(100).startswith(b"HTTP/1.1 100")
    return connection, body


def _finished(connection: socket.socket, body: bytes) -> bytes:
    with connection:
        connection.sendall(body)
        return connection.recv(4096)


def test_a_torn_log_is_told_at_the_start(lived: Path, up: Start) -> None:
    """After kill -9 and a write that was torn off, the start keeps the rest and says how much that was."""
    running = up()
    with closing(sqlite3.connect(lived / "orders.db", isolation_level=None)) as driver:
        driver.execute("CREATE TABLE probe (number INTEGER)")
        driver.execute("INSERT INTO probe VALUES (1)")
        running.stop(signal.SIGKILL)
        log = lived / "orders.db-wal"
        left = log.read_bytes()
    log.write_bytes(left[:-100])
    again = up()
    assert again.stop() == 0
    lines = [json.loads(line) for line in again.process.stderr or () if "not clean" in line]
    told = {line["database"]: line for line in lines}
    assert set(told) >= {"orders.db"}
    assert told["orders.db"]["level"] == "warning"
    assert told["orders.db"]["discarded_bytes"] == 4120 - 100
    with closing(sqlite3.connect(lived / "orders.db")) as driver:
        assert driver.execute("SELECT count(*) FROM probe").fetchone() == (0,)
