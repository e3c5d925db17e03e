"""The outbox as a log: positions that only grow, and looks at it for brokers and for people."""

from aulario.core import outbox
from aulario.core.relay import StoreLog
from aulario.core.sweeping import KEPT, sweep
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core.conftest import NORTH, SOUTH, Bench
from tests.core.sample import NoteDue, NoteSold


async def test_a_log_is_read_by_topic_and_position(bench: Bench) -> None:
    """Only events of the topic are given, only those behind the position, at most as many as asked for."""
    events = await bench.post("a", "b", "c")
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteSold(note_id="1", author="ana", text="sold")))
    log = StoreLog(bench.writer)
    assert await log.after(0, "note.posted", 2) == events[:2]
    assert await log.after(events[1].sequence, "note.posted", 2) == events[2:]
    assert await log.after(events[2].sequence, "note.posted", 2) == []
    assert await log.after(0, "nobody.records", 2) == []


async def test_a_position_is_never_given_again(bench: Bench, clock: ManualClock) -> None:
    """Not even after the sweeper emptied the table: a subscriber would pass over what comes next."""
    (before,) = await bench.post("old")
    clock.advance(KEPT)
    await sweep(bench.writer, {})
    assert await StoreLog(bench.writer).after(0, "note.posted", 10) == []
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteDue(note_id="new")))
    (after,) = await StoreLog(bench.writer).after(before.sequence, "note.due", 10)
    assert after.sequence > before.sequence


async def test_the_last_position(bench: Bench) -> None:
    """It is that of the newest event, and 0 in an outbox that never had one."""
    assert await StoreLog(bench.writer).last() == 0
    events = await bench.post("a", "b")
    assert await StoreLog(bench.writer).last() == events[-1].sequence


async def test_events_are_found_for_people(bench: Bench) -> None:
    """One by its id, or the newest first, of a tenant and a topic or of all."""
    north = await bench.post("a", "b")
    (south,) = await bench.post("c", context=SOUTH)
    read = bench.writer.database.read
    assert await read(lambda transaction: outbox.find(transaction, south.id)) == south
    assert await read(lambda transaction: outbox.find(transaction, "unknown")) is None
    newest = [south, *reversed(north)]
    assert await read(lambda transaction: outbox.newest(transaction, None, None, 99, 10)) == newest
    assert await read(lambda transaction: outbox.newest(transaction, "north", "note.posted", 99, 10)) == newest[1:]
    assert await read(lambda transaction: outbox.newest(transaction, None, "other", 99, 10)) == []
    assert await read(lambda transaction: outbox.newest(transaction, None, None, south.sequence, 1)) == newest[1:2]


async def test_due_events_are_seen_before_they_are_due(bench: Bench) -> None:
    """The next instant is known, and nothing is due before it."""
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteDue(note_id="1"), due=NOON))
    read = bench.writer.database.read
    assert await read(outbox.next_due) == int(NOON.timestamp() * 1_000_000)
    (due,) = await read(lambda transaction: outbox.due(transaction, NOON, 10))
    assert (due.envelope.key, due.missed, due.tolerance) == ("1", "late", 300)
