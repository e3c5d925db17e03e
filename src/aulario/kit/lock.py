"""Keeps a folder to one process."""

import fcntl
import os
from pathlib import Path


class LockedError(Exception):
    """Another process holds the folder; the message says which."""


class FolderLock:
    """Held from `take` to `release`, or to the end of the process, however that comes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "aulario.lock"
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock; raises LockedError at once when another process has it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            os.close(file)
            message = f"{self._path.parent} is in use by another Aulario (process {holder})"
            raise LockedError(message) from error
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def holder(folder: Path) -> str | None:
    """Give the number of the process that holds a folder; None when nobody does."""
    path = folder / "aulario.lock"
    if not path.exists():
        return None
    with path.open("rb") as file:
        # Shared, so that two who look at once do not take each other for the holder.
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read(32).decode(errors="replace").strip() or "unknown"
    return None
