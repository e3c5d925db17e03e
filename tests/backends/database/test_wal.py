"""F23, a torn last write: start-up keeps the valid prefix of what was committed, and says what it discarded."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aulario.backends.database import DatabaseError
from aulario.backends.database.sqlite import connect
from aulario.backends.database.wal import Recovery, recover

UNITS = 12
HEADER, FRAME = 32, 24 + 4096
ANYWHERE = st.integers(0, 2**31)
"""A place in a log of any length: what is drawn must not depend on which log it is drawn for."""


class Image(NamedTuple):
    """What a killed process left: a database, its log, and where in the log each acknowledged unit ends."""

    database: bytes
    log: bytes
    ends: list[int]

    def kept(self, offset: int) -> int:
        """Count the units that are whole when the log is good up to an offset."""
        return sum(1 for end in self.ends if end <= offset)

    def recovery(self, kept: int, end: int) -> Recovery:
        whole = self.ends[kept - 1] if kept else HEADER
        return Recovery((whole - HEADER) // FRAME, max(0, end - whole))


def _image(folder: Path, *, used_before: bool) -> Image:
    """Commit units of one to many pages; with `used_before` the log still holds older frames behind them."""
    path = folder / "live.db"
    with closing(connect(path)) as driver:
        driver.execute("CREATE TABLE units (number INTEGER PRIMARY KEY, body BLOB)")
        if used_before:
            driver.execute("INSERT INTO units VALUES (-1, zeroblob(400000))")
            driver.execute("DELETE FROM units")
        driver.execute(f"PRAGMA wal_checkpoint({'PASSIVE' if used_before else 'TRUNCATE'})")
        ends = []
        for number in range(UNITS):
            driver.execute("INSERT INTO units VALUES (?, randomblob(?))", (number, 3000 * (number % 5)))
            index = path.with_name("live.db-shm").read_bytes()
            ends.append(HEADER + FRAME * int.from_bytes(index[16:20], sys.byteorder))
        return Image(path.read_bytes(), path.with_name("live.db-wal").read_bytes(), ends)


@pytest.fixture(scope="module", params=[False, True], ids=["fresh log", "log used before"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return _image(tmp_path_factory.mktemp("live"), used_before=request.param)


@contextmanager
def left(database: bytes, log: bytes) -> Iterator[Path]:
    """Put files where a start would find them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "live.db"
        path.write_bytes(database)
        path.with_name("live.db-wal").write_bytes(log)
        yield path


def units(path: Path) -> list[int]:
    with closing(connect(path)) as driver:
        assert driver.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in driver.execute("SELECT number FROM units ORDER BY number")]


def flipped(content: bytes, offset: int, mask: int) -> bytes:
    return content[:offset] + bytes([content[offset] ^ mask]) + content[offset + 1 :]


def test_nothing_torn_keeps_every_unit(image: Image) -> None:
    """After a kill between two commits every acknowledged unit is there, and nothing counts as discarded."""
    with left(image.database, image.log) as path:
        assert recover(path) == image.recovery(UNITS, image.ends[-1])
        assert units(path) == list(range(UNITS))


def test_a_clean_stop_has_nothing_to_recover(image: Image) -> None:
    """The second start finds no log, and a database that is not there yet is none of its business."""
    with left(image.database, image.log) as path:
        recover(path)
        assert recover(path) is None
        assert recover(path.with_name("other.db")) is None
        assert not path.with_name("other.db").exists()


@settings(max_examples=150, deadline=None)
@given(ANYWHERE)
def test_a_log_cut_short_keeps_the_units_before_the_cut(image: Image, place: int) -> None:
    """Wherever the file ends, units that end before are kept, and the rest of the last one is told as discarded."""
    size = 1 + place % len(image.log)
    kept = image.kept(size)
    with left(image.database, image.log[:size]) as path:
        found = recover(path)
        assert units(path) == list(range(kept))
    if size >= HEADER:
        assert found == image.recovery(kept, min(size, image.ends[-1]))
    else:
        assert found == Recovery(0, size)


@settings(max_examples=250, deadline=None)
@given(ANYWHERE, st.integers(1, 255))
def test_a_flipped_byte_keeps_the_units_before_it(image: Image, place: int, mask: int) -> None:
    """Whichever byte of the log is wrong, what was committed before it is kept, and all behind it is told of."""
    offset = place % image.ends[-1]
    kept = image.kept(offset) if offset >= HEADER else 0
    with left(image.database, flipped(image.log, offset, mask)) as path:
        found = recover(path)
        assert units(path) == list(range(kept))
    if offset >= HEADER:
        assert found == image.recovery(kept, image.ends[-1])
    else:
        assert found == Recovery(0, len(image.log))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_header_is_refused_with_nothing_changed(image: Image, data: st.DataObject) -> None:
    """A database whose own header is wrong is not opened at all: the error says what to do, every byte stays."""
    offset = data.draw(st.sampled_from([*range(18), 21, 22, 23]))
    # Another page size may be a valid one; SQLite finds that out later, at the first page.
    mask = data.draw(st.integers(1, 255)) if offset not in (16, 17) else 0x0A
    with left(flipped(image.database, offset, mask), image.log) as path:
        before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        with pytest.raises(DatabaseError, match="aulario restore"):
            recover(path)
        assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_something_else_is_refused(tmp_path: Path) -> None:
    """A file that is no database, or only the beginning of one, is refused and stays as it is."""
    path = tmp_path / "live.db"
    for content in (b"not a database, by any means at all", b"SQLite", b"SQLite format 3\0"):
        path.write_bytes(content)
        with pytest.raises(DatabaseError, match=r"live\.db cannot be opened"):
            recover(path)
        assert path.read_bytes() == content
