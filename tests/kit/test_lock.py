"""The lock of a folder: one process has it, everybody can see which."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aulario.kit.lock import FolderLock, LockedError, holder

TAKE = "import sys, pathlib; from aulario.kit.lock import *; lock = FolderLock(pathlib.Path(sys.argv[1])); lock.take()"


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    """A second is refused with the number of the first; after its release anybody may take it."""
    lock = FolderLock(tmp_path)
    lock.take()
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path).take()
    lock.release()
    again = FolderLock(tmp_path)
    again.take()
    again.release()


def test_the_holder_can_be_seen(tmp_path: Path) -> None:
    """Whoever looks learns the process, and takes nothing by looking; nobody, before and after."""
    assert holder(tmp_path) is None
    lock = FolderLock(tmp_path)
    lock.take()
    assert holder(tmp_path) == str(os.getpid())
    lock.release()
    assert holder(tmp_path) is None


def test_a_process_that_ends_holds_nothing(tmp_path: Path) -> None:
    """However a process ends, what it held is free, though its number is still written there."""
    subprocess.run([sys.executable, "-c", f"{TAKE}; import os; os._exit(1)", tmp_path], check=False)
    assert (tmp_path / "aulario.lock").read_text().isdecimal()
    assert holder(tmp_path) is None
