"""What no promise needs any more is forgotten, in small steps, and nothing else is."""

from datetime import timedelta

import pytest

from aulario.core import sweeping, telemetry
from aulario.core.measuring import measure
from aulario.core.relay import Relay, StoreLog
from aulario.core.sweeping import KEPT, sweep
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core.conftest import NORTH, Bench
from tests.core.sample import Boom, NoteDue, NoteSold

DAY = timedelta(days=1)


async def test_the_outbox_keeps_a_month(bench: Bench, clock: ManualClock) -> None:
    """Events go when they are 30 days old, and not before."""
    await bench.post("old")
    clock.advance(DAY)
    await bench.post("young")
    clock.set(NOON + KEPT)
    assert await sweep(bench.writer, {}) == 1
    (event,) = await StoreLog(bench.writer).after(0, "note.posted", 10)
    assert "young" in event.data


async def test_what_a_follower_has_not_taken_stays(bench: Bench, clock: ManualClock) -> None:
    """After a stop of months, the events of before are old, and are still owed to whoever follows their topic."""
    await bench.post("taken", "not taken")
    clock.advance(KEPT + DAY)
    assert await sweep(bench.writer, {"note.posted": 1}) == 1
    (event,) = await StoreLog(bench.writer).after(0, "note.posted", 10)
    assert "not taken" in event.data


async def test_what_waits_is_measured(bench: Bench, clock: ManualClock) -> None:
    """The gauges tell how many events are not taken and how old the oldest is, and go back to nothing."""
    await bench.post("first", "second")
    clock.advance(timedelta(seconds=90))
    await measure(bench.writer, {"note.posted": 0})
    labels = {"service": bench.writer.service}
    assert telemetry.REGISTRY.get_sample_value("aulario_outbox_depth", labels) == 2
    assert telemetry.REGISTRY.get_sample_value("aulario_outbox_age_seconds", labels) == 90
    await measure(bench.writer, {"note.posted": 2})
    assert telemetry.REGISTRY.get_sample_value("aulario_outbox_depth", labels) == 0
    assert telemetry.REGISTRY.get_sample_value("aulario_outbox_age_seconds", labels) == 0


async def test_an_event_that_fired_late_takes_no_others_along(bench: Bench, clock: ManualClock) -> None:
    """Its time is its instant of a month ago, but what was recorded just before it stays."""
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteDue(note_id="late"), due=NOON))
    clock.advance(KEPT + DAY)
    await bench.post("just now")
    await Relay(bench.writer).promote()
    await sweep(bench.writer, {})
    assert len(await StoreLog(bench.writer).after(0, "note.posted", 10)) == 1


async def test_it_goes_in_small_steps(bench: Bench, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction deletes more than a step, and a sweep goes on until all that is old has gone."""
    monkeypatch.setattr(sweeping, "STEP", 3)
    await bench.post(*(str(number) for number in range(8)))
    commits: list[int] = []
    monkeypatch.setattr(bench.writer.database, "_committed", commits.append)
    clock.advance(KEPT)
    assert await sweep(bench.writer, {}) == 8
    assert len(commits) == 3


async def test_the_inbox_forgets_what_is_done(bench: Bench, clock: ManualClock) -> None:
    """Marks go when no replay can reach their event any more; money's marks, and what is not through, never go."""
    bench.faults.of["fails"] = [Boom()] * 9
    await bench.give("copy", await bench.post("done", "fails"))
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteSold(note_id="1", author="ana", text="sold")))
    await bench.give("book", await StoreLog(bench.writer).after(0, "note.sold", 1))
    clock.advance(KEPT - timedelta(seconds=1))
    assert await sweep(bench.reader, {}) == 0
    clock.advance(timedelta(seconds=1))
    assert await sweep(bench.reader, {}) == 1
    clock.advance(timedelta(days=36500))
    assert await sweep(bench.reader, {}) == 0
    rows = await bench.rows(bench.reader, "SELECT handler, status FROM inbox ORDER BY handler")
    assert rows == [("book", "done"), ("copy", "waiting")]
