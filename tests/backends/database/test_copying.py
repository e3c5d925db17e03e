"""Copies of databases that hear each other, taken while both are written to."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aulario.backends.database import DatabaseError
from aulario.backends.database.copying import copy_together, faults, rows
from aulario.backends.database.sqlite import connect

ROUNDS = 12


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two databases that answer each other without pause: each number is written on one side, then on the other."""
    paths = tmp_path / "asking.db", tmp_path / "answering.db"
    for path in paths:
        with closing(connect(path, durable=False)) as driver:
            driver.execute("CREATE TABLE said (number INTEGER PRIMARY KEY)")
    stop = threading.Event()

    def talk() -> None:
        with closing(connect(paths[0], durable=False)) as one, closing(connect(paths[1], durable=False)) as other:
            number = 0
            while not stop.is_set():
                first, second = (one, other) if number % 2 else (other, one)
                first.execute("INSERT INTO said VALUES (?)", (number,))
                second.execute("INSERT INTO said VALUES (?)", (number,))
                number += 1

    talking = threading.Thread(target=talk)
    talking.start()
    yield paths
    stop.set()
    talking.join()


def _said(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as driver:
        return {row[0] for row in driver.execute("SELECT number FROM said")}


def test_no_copy_shows_an_effect_without_its_cause(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """In whichever direction they hear each other: what the second side of a number has, the first side has too."""
    for round_ in range(ROUNDS):
        copies = [tmp_path / f"{round_}-{path.name}" for path in pair]
        copy_together(dict(zip(pair, copies, strict=True)))
        one, other = map(_said, copies)
        assert not [number for number in one - other if number % 2 == 0]
        assert not [number for number in other - one if number % 2]
        assert len(one ^ other) <= 1


def test_writers_wait_only_for_a_moment(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Nobody waits for the copying itself, only until every database has a reader."""
    assert copy_together({path: tmp_path / f"copy-{path.name}" for path in pair}) < 1


def test_a_damaged_source_makes_no_copy(tmp_path: Path) -> None:
    """A backup of what is broken already is refused, for it would replace a good one."""
    path = tmp_path / "live.db"
    with closing(connect(path)) as driver:
        driver.execute("CREATE TABLE said (number INTEGER PRIMARY KEY, body TEXT)")
        driver.executemany("INSERT INTO said VALUES (?, ?)", [(number, "word" * 50) for number in range(500)])
    assert faults(path) == []
    assert rows(path) == {"said": 500}
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(bytes(content))
    with pytest.raises((DatabaseError, sqlite3.DatabaseError), match=r"damaged|malformed"):
        copy_together({path: tmp_path / "copy.db"})
