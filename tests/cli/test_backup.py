"""`aulario backup` and `restore`: taken under load, brought back into an empty place, and nothing doubled or lost."""

import asyncio
import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aulario.app import Platform
from aulario.contracts.identity import Role
from aulario.core.context import Context
from aulario.kit import archive
from aulario.kit.archive import ArchiveError
from aulario.kit.lock import FolderLock
from aulario.services.identity import actions, queries
from aulario.services.identity.actions import NewUser
from aulario.settings import Settings
from tests.cli.conftest import Command, child, content, ended, until_quiet

HEARD = {"orders": ("identity", "courses", "payments"), "payments": ("orders",), "courses": ("identity", "orders")}


def rows(folder: Path, service: str, statement: str) -> list[Any]:
    with closing(sqlite3.connect(folder / f"{service}.db")) as driver:
        return driver.execute(statement).fetchall()


def _settings(data: Path) -> Settings:
    return Settings(data=data, durability="normal", traces="off:", simulated_rate=100)


async def _backed_up_under_load(data: Path, file: Path) -> None:
    """Let people join, as fast as they can, until a backup that another process takes is there."""
    async with Platform(_settings(data)) as platform:
        store = platform.stores["identity"]
        north = await store.read(Context.root(), queries.tenant, "north")
        context = Context.root(tenant=north.id if north else "")
        taking = asyncio.create_task(asyncio.to_thread(lambda: ended(child(data, "backup", str(file), "--with-key"))))
        number = 0
        while not taking.done():
            for _ in range(10):
                new = NewUser(f"load{number}@north.example", "Load", (Role.STUDENT,), None)
                await store.work(context, actions.create_user, new)
                number += 1
        result = await taking
        assert result.code == 0, result.err


@pytest.fixture
def restored(lived: Path, command: Command, tmp_path: Path) -> Path:
    """A folder that a backup was restored into, which was taken while people joined."""
    file, folder = tmp_path / "backup.tar.gz", tmp_path / "restored"
    asyncio.run(_backed_up_under_load(lived, file))
    result = command("restore", file, "--data", folder)
    assert result.code == 0, result.err
    return folder


def test_a_restore_finishes_what_was_pending_and_doubles_nothing(restored: Path) -> None:
    """It shows no effect without its cause; at the end every person has one order, one charge and one enrolment."""
    for service, sources in HEARD.items():
        recorded = {row[0] for source in sources for row in rows(restored, source, "SELECT id FROM outbox")}
        taken = {row[0] for row in rows(restored, service, "SELECT event_id FROM inbox")}
        assert taken <= recorded

    async def finish() -> None:
        async with Platform(_settings(restored)) as platform:
            await until_quiet(platform)

    asyncio.run(finish())
    people = rows(restored, "identity", "SELECT id FROM users ORDER BY id")
    assert len(people) > 15
    assert rows(restored, "orders", "SELECT user_id FROM orders ORDER BY user_id") == people
    assert rows(restored, "courses", "SELECT user_id FROM enrolments ORDER BY user_id") == people
    charges = "SELECT data ->> 'user_id' FROM outbox WHERE topic = 'payment.completed' ORDER BY 1"
    assert rows(restored, "payments", charges) == people
    orders = rows(restored, "orders", "SELECT id FROM orders ORDER BY id")
    assert rows(restored, "payments", "SELECT order_id FROM payments ORDER BY order_id") == orders


def test_what_comes_back_is_what_was_there(command: Command, lived: Path, tmp_path: Path) -> None:
    """Every row of every table and every secret, byte for byte where it is sealed, for their owner alone."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    assert "Writers waited for" in command("backup", file, "--with-key").out
    out = command("restore", file, "--data", folder).out
    assert f"{folder} is restored, as it stood on" in out
    for path in lived.glob("*.db"):
        with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(folder / path.name)) as other:
            assert list(one.iterdump()) == list(other.iterdump())
    assert content(folder / "secrets") == content(lived / "secrets")
    assert command("doctor", "--data", folder).code == 0


def test_the_key_stays_out_unless_asked_for(command: Command, lived: Path, tmp_path: Path) -> None:
    """Without --with-key a backup opens no secret; both commands say where the key belongs, and a start says so too."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    assert f"keep a copy of {lived}/secrets/master.key somewhere else" in command("backup", file).out
    with tarfile.open(file) as tar:
        assert "secrets/master.key" not in tar.getnames()
    assert f"put the master key at {folder}/secrets/master.key" in command("restore", file, "--data", folder).out
    refused = command("up", AULARIO_DATA=folder)
    assert (refused.code, "master.key is missing" in refused.err) == (1, True)
    (folder / "secrets/master.key").write_bytes((lived / "secrets/master.key").read_bytes())
    assert command("doctor", "--data", folder).code == 0
    assert "whoever has this file has everything" in command("backup", file, "--with-key", "--force").out


def test_a_backup_replaces_nothing_by_itself(command: Command, lived: Path, tmp_path: Path) -> None:
    """A file that is there stays, unless --force says otherwise; a failed backup leaves nothing beside it."""
    file = tmp_path / "b.tar.gz"
    file.write_bytes(b"precious")
    result = command("backup", file)
    assert (result.code, file.read_bytes()) == (1, b"precious")
    assert f"No backup was made: {file} exists" in result.err
    (lived / "orders.db").write_bytes(b"broken")
    assert command("backup", tmp_path / "c.tar.gz").code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "data"]


def test_only_an_empty_folder_is_restored_into(command: Command, lived: Path, tmp_path: Path) -> None:
    """What is there is never mixed with a backup, and a folder that is held is not empty in spirit either."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    command("backup", file)
    before = content(lived)
    result = command("restore", file)
    assert (result.code, content(lived)) == (1, before)
    assert f"{lived} is not empty" in result.err
    folder.mkdir()
    lock = FolderLock(folder)
    lock.take()
    assert "is in use by another Aulario" in command("restore", file, "--data", folder).err
    lock.release()
    assert command("restore", file, "--data", folder).code == 0


def _repacked(file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write a backup anew whose manifest says something else."""
    about = archive.verify(file)
    folder = file.with_name("unpacked")
    archive.unpack(file, folder)
    files = {name: folder / name for name in about.pop("files")}
    change(about)
    target = file.with_name("repacked.tar.gz")
    archive.pack(target, files, about)
    return target


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: about["databases"]["orders"]["schema"].update(orders_schema="9999"), "has schema 9999"),
        (lambda about: about["databases"].update(forum={}), "which is newer"),
        (lambda about: about.update(format=2), "which is newer"),
    ],
    ids=["schema", "service", "format"],
)
@pytest.mark.usefixtures("lived")
def test_what_a_newer_version_packed_is_refused(
    command: Command, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    """A schema, a service or a format that is not known here: refused before anything is written."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    command("backup", file)
    result = command("restore", _repacked(file, change), "--data", folder)
    assert result.code == 1
    assert said in result.err
    assert not folder.exists()


@pytest.mark.usefixtures("lived")
def test_a_damaged_backup_is_refused(command: Command, tmp_path: Path) -> None:
    """One wrong byte, a missing end, or another file altogether: refused before anything is written."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    command("backup", file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    for broken in (whole[:middle] + bytes([whole[middle] ^ 8]) + whole[middle + 1 :], whole[:-2000], b"hello"):
        file.write_bytes(broken)
        result = command("restore", file, "--data", folder)
        assert result.err.startswith(f"Nothing was restored: {file} cannot be believed")
        assert not folder.exists()
    assert command("restore", tmp_path / "none", "--data", folder).err.endswith("No such file or directory\n")


def test_a_restore_that_is_cut_off_is_not_started_on(
    command: Command, lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While parts of a backup are still on their way, no start takes the folder for a whole one."""
    file, folder = tmp_path / "b.tar.gz", tmp_path / "new"
    command("backup", file, "--with-key")
    assert json.loads(json.dumps(archive.verify(file)))["aulario"]

    def fail(_: Path) -> None:
        message = "the disk is gone"
        raise ArchiveError(message)

    with monkeypatch.context() as patch:
        patch.setattr(archive, "sync", fail)
        assert "the disk is gone" in command("restore", file, "--data", folder).err
    assert "a restore" in command("up", AULARIO_DATA=folder).err
    assert not list(lived.glob("restoring"))
