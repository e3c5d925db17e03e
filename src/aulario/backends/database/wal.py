"""What an unclean stop left in SQLite's write-ahead log: how much of it counts, and how much was torn off."""

import sqlite3
from contextlib import closing
from pathlib import Path
from struct import unpack
from typing import NamedTuple

from aulario.backends.database import DatabaseError

# The layouts are https://sqlite.org/fileformat2.html, sections 1.3 and 4.
_MAGIC, _FRACTIONS = b"SQLite format 3\0", bytes((64, 32, 32))
_LOG_MAGIC, _HEADER, _FRAME = 0x377F0682, 32, 24
_PAGES = (1, *(1 << power for power in range(9, 16)))
"""Page sizes a header may state; 1 stands for 65,536."""
_WORD = 1 << 32


class Recovery(NamedTuple):
    """Frames of the log that belong to whole transactions, and bytes behind them that no commit covers."""

    frames: int
    discarded: int


def recover(path: Path) -> Recovery | None:
    """Fold what a stop left in the log into its database; None when that stop was clean.

    Call it before anything else opens the file. SQLite keeps every commit up to the first frame that is not whole;
    raises DatabaseError, with nothing changed, when it cannot read the database at all.
    """
    if not path.exists():
        return None
    _refuse_damaged(path)
    log = path.with_name(f"{path.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    page, end = _extent(log, size) if size else (0, 0)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as driver:
            driver.execute("SELECT count(*) FROM sqlite_master").fetchone()
            kept = max(0, driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]) if size else 0
    except sqlite3.DatabaseError as error:
        raise unreadable(path, error) from error
    discarded = max(0, end - (_HEADER + kept * (_FRAME + page))) if page else size
    return Recovery(kept, discarded) if size else None


def unreadable(path: Path, reason: object) -> DatabaseError:
    """Say that a file is no healthy database, and what to do."""
    return DatabaseError(
        f"{path} cannot be opened ({reason}); nothing was changed. "
        "Move the data folder away, and bring the last backup back with: aulario restore BACKUP"
    )


def _refuse_damaged(path: Path) -> None:
    """Look at the header before SQLite does: closing a file that it cannot read, it would write the log into it."""
    with path.open("rb") as file:
        head = file.read(24)
    if head and (head[:16] != _MAGIC or int.from_bytes(head[16:18], "big") not in _PAGES or head[21:24] != _FRACTIONS):
        raise unreadable(path, "its header is damaged")


def _extent(log: Path, size: int) -> tuple[int, int]:
    """Give the log's page size and where its newest generation ends; zeros for a log whose own header is damaged."""
    with log.open("rb") as file:
        head = file.read(_HEADER)
        if len(head) < _HEADER or not _is_whole(head):
            return 0, 0
        page, checkpoints, first, second = unpack(">4I", head[8:24])
        end = _HEADER
        for start in range(_HEADER, size, _FRAME + page):
            file.seek(start + 8)
            if not _is_stale(file.read(8).ljust(8, b"\0"), (first, second), checkpoints):
                end = min(size, start + _FRAME + page)
    return page, end


def _is_whole(head: bytes) -> bool:
    """Check the header's checksum; without it SQLite believes nothing of the log."""
    magic = int.from_bytes(head[:4], "big")
    order = ">" if magic & 1 else "<"
    words = unpack(f"{order}6I", head[:24])
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) % _WORD
        second = (second + odd + first) % _WORD
    return magic & ~1 == _LOG_MAGIC and (first, second) == unpack(">2I", head[24:])


def _is_stale(salts: bytes, current: tuple[int, int], checkpoints: int) -> bool:
    """Tell a frame of an earlier generation, which the log still holds because it is written from its start again.

    Each generation counts the first salt up by one and draws the second anew.
    """
    first, second = int.from_bytes(salts[:4], "big"), int.from_bytes(salts[4:], "big")
    return second != current[1] and 1 <= (current[0] - first) % _WORD <= checkpoints
