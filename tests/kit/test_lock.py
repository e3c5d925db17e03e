"""A folder belongs to one process at a time."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from aulario.kit.lock import FolderLock, LockedError, holder

TAKE = "import sys, pathlib; from aulario.kit.lock import FolderLock; FolderLock(pathlib.Path(sys.argv[1])).take()"


async def test_a_second_process_is_refused_at_once(tmp_path: Path) -> None:
    """And told which process holds the folder."""
    lock = FolderLock(tmp_path)
    lock.take()
    other = await anyio.run_process([sys.executable, "-c", TAKE, str(tmp_path)], check=False)
    assert other.returncode == 1
    assert f"{tmp_path} is in use by another Aulario (process {os.getpid()})" in other.stderr.decode()
    lock.release()
    assert (await anyio.run_process([sys.executable, "-c", TAKE, str(tmp_path)])).returncode == 0


async def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """One that died without releasing it, as that one did, leaves the folder free."""
    await anyio.run_process([sys.executable, "-c", TAKE, str(tmp_path)])
    lock = FolderLock(tmp_path)
    lock.take()
    lock.release()


def test_two_locks_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    """Nobody takes a folder twice by mistake; releasing twice is harmless."""
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.take()
    with pytest.raises(LockedError):
        second.take()
    first.release()
    first.release()
    second.take()
    second.release()


def test_the_holder_can_be_asked_for(tmp_path: Path) -> None:
    """Without taking anything from it."""
    assert holder(tmp_path) is None
    lock = FolderLock(tmp_path)
    lock.take()
    assert holder(tmp_path) == str(os.getpid())
    lock.release()
    assert holder(tmp_path) is None
