"""Order and due events under SIGKILL: many writers, few books, a reader that must not skip, double or swap a line."""

import signal
from functools import partial

import pytest

from tests.crash.installation import Installation, Process
from tests.crash.waiting import until

LINES = 300


def books(shelf: Installation, table: str) -> dict[str, list[int]]:
    """Give the numbers that stand in each book, in the order in which they got there."""
    found: dict[str, list[int]] = {}
    for book, number in shelf.rows("courses", f"SELECT book, number FROM {table} ORDER BY rowid"):  # noqa: S608 - our own
        found.setdefault(book, []).append(number)
    return found


def has_written(process: Process) -> bool:
    return len(process.lines()) > LINES


async def assert_healed(shelf: Installation, process: Process) -> None:
    """What was acknowledged is there, and every line that is there was read once, in order."""
    async with shelf.running():
        await shelf.quiet()
    stored = {line for (line,) in shelf.rows("courses", "SELECT id FROM lines")}
    # The last line printed may be cut off by the kill.
    assert set(process.lines()[:-1]) <= stored
    written = books(shelf, "lines")
    assert written == {book: list(range(1, len(numbers) + 1)) for book, numbers in written.items()}
    assert books(shelf, "readings") == written


async def test_no_line_is_skipped_or_swapped(shelf: Installation) -> None:
    """F07: writers of one key are killed in mid-flight, again and again; the reader sees the order of the commits."""
    for _ in range(2):
        process = shelf.start(command=("-m", "tests.crash.child", "0"))
        await until(partial(has_written, process), "enough is written")
        await process.kill()
        await assert_healed(shelf, process)


@pytest.mark.parametrize("point", ["relay.before_commit", "relay.after_commit"])
async def test_due_events_happen_once(shelf: Installation, point: str) -> None:
    """A process that dies while it moves due events to the outbox moves each of them once."""
    process = shelf.start(crash=f"courses/{point}:5", command=("-m", "tests.crash.child", "0.05"))
    assert await process.ended() == -signal.SIGKILL
    await assert_healed(shelf, process)
