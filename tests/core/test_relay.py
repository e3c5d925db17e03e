"""Events that are due later: they happen once, at their instant, whatever the clock and the process do meanwhile."""

from datetime import datetime, timedelta

import pytest

from aulario.core import relay as relaying
from aulario.core import telemetry
from aulario.core.relay import STEP, Relay, StoreLog
from aulario.core.unit_of_work import Store, UnitOfWork
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core.conftest import NORTH, SOUTH, Open
from tests.core.sample import DoorsOpened, NoteDue

HOUR, MINUTE, TICK = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)


@pytest.fixture
def relay(store: Store) -> Relay:
    return Relay(store)


def plan(uow: UnitOfWork, due: datetime, note_id: str = "1") -> None:
    uow.record(NoteDue(note_id=note_id), due=due)


async def happened(store: Store, topic: str = "note.due") -> list[str]:
    return [event.key for event in await StoreLog(store).after(0, topic, 100_000)]


def missed(outcome: str, topic: str = "note.due") -> float:
    return telemetry.MISSED.labels(topic, outcome)._value.get()  # type: ignore[no-any-return]  # noqa: SLF001 - untyped there, and the library's own tests read it so


async def test_an_event_happens_at_its_instant_and_once(store: Store, relay: Relay, clock: ManualClock) -> None:
    """A microsecond early there is nothing; at the instant there is one event, which tells that instant as its time."""
    await store.work(NORTH, plan, NOON + HOUR)
    clock.set(NOON + HOUR - TICK)
    assert await relay.promote() == 0
    assert await happened(store) == []
    clock.advance(TICK)
    assert await relay.promote() == 1
    assert await relay.promote() == 0
    (event,) = await StoreLog(store).after(0, "note.due", 10)
    assert (event.key, event.tenant, event.time) == ("1", "north", (NOON + HOUR).isoformat())


async def test_events_happen_in_the_order_of_their_instants(store: Store, relay: Relay, clock: ManualClock) -> None:
    """The order of planning does not matter."""
    for minutes, key in ((3, "third"), (1, "first"), (2, "second")):
        await store.work(NORTH, plan, NOON + minutes * MINUTE, key)
    clock.advance(4 * MINUTE)
    await relay.promote()
    assert await happened(store) == ["first", "second", "third"]


async def test_two_relays_move_an_event_once(store: Store, opened: Open, clock: ManualClock) -> None:
    """A second process on the same file finds nothing left to move."""
    other = await opened("writer")
    await store.work(NORTH, plan, NOON)
    assert sorted([await Relay(store).promote(), await Relay(other).promote()]) == [0, 1]
    assert await happened(store) == ["1"]
    assert clock.now() == NOON


async def test_a_plan_survives_a_restart(store: Store, opened: Open, clock: ManualClock) -> None:
    """What was planned is on disk, not in the process that planned it."""
    await store.work(NORTH, plan, NOON + HOUR)
    await store.database.close()
    again = await opened("writer")
    clock.advance(HOUR)
    assert await Relay(again).promote() == 1


async def test_what_was_withdrawn_does_not_happen(store: Store, relay: Relay, clock: ManualClock) -> None:
    """A cancelled lesson reminds nobody; another tenant's plan of the same key stays."""
    await store.work(NORTH, plan, NOON + HOUR)
    await store.work(SOUTH, plan, NOON + HOUR)
    await store.work(NORTH, lambda uow: uow.withdraw(NoteDue, "1"))
    clock.advance(HOUR)
    assert await relay.promote() == 1
    assert [event.tenant for event in await StoreLog(store).after(0, "note.due", 10)] == ["south"]


async def test_a_new_time_replaces_the_old(store: Store, relay: Relay, clock: ManualClock) -> None:
    """Withdrawn and recorded again in one unit, an event happens at its new instant only."""
    await store.work(NORTH, plan, NOON + HOUR)

    def postpone(uow: UnitOfWork) -> None:
        uow.withdraw(NoteDue, "1")
        plan(uow, NOON + 2 * HOUR)

    await store.work(NORTH, postpone)
    clock.advance(HOUR)
    assert await relay.promote() == 0
    clock.advance(HOUR)
    assert await relay.promote() == 1


@pytest.mark.parametrize(("late_by", "told"), [(timedelta(minutes=5), 0), (timedelta(minutes=5, seconds=1), 1)])
async def test_a_missed_instant_is_made_up_for(
    store: Store, relay: Relay, clock: ManualClock, late_by: timedelta, told: int
) -> None:
    """An event of type `late` happens however late it is; past its tolerance that is counted by name."""
    await store.work(NORTH, plan, NOON + HOUR)
    before = missed("late")
    clock.advance(HOUR + late_by)
    await relay.promote()
    assert await happened(store) == ["1"]
    assert missed("late") - before == told


@pytest.mark.parametrize(("late_by", "told"), [(timedelta(minutes=1), 0), (timedelta(minutes=1, seconds=1), 1)])
async def test_a_missed_instant_is_passed_over(
    store: Store, relay: Relay, clock: ManualClock, late_by: timedelta, told: int
) -> None:
    """An event of type `skip` does not happen once it is later than its tolerance, and that is counted by name."""
    await store.work(NORTH, lambda uow: uow.record(DoorsOpened(note_id="1"), due=NOON + HOUR))
    before = missed("skipped", "doors.opened")
    clock.advance(HOUR + late_by)
    await relay.promote()
    assert len(await happened(store, "doors.opened")) == 1 - told
    assert missed("skipped", "doors.opened") - before == told
    assert await relay.promote() == 0


async def test_a_clock_set_back_repeats_nothing(store: Store, relay: Relay, clock: ManualClock) -> None:
    """After a step back what has happened does not happen again, and the rest waits for its instant (F21)."""
    await store.work(NORTH, plan, NOON + MINUTE, "first")
    await store.work(NORTH, plan, NOON + 2 * MINUTE, "second")
    clock.advance(MINUTE)
    await relay.promote()
    clock.advance(-HOUR)
    assert await relay.promote() == 0
    clock.advance(HOUR)
    assert await relay.promote() == 0
    clock.advance(MINUTE)
    assert await relay.promote() == 1
    assert await happened(store) == ["first", "second"]


async def test_a_clock_that_leaps_fires_each_event_once(store: Store, relay: Relay, clock: ManualClock) -> None:
    """A step forward brings what fell into it, once each and in order; stepping back brings no more (F21)."""
    for minute in range(6):
        await store.work(NORTH, plan, NOON + minute * 10 * MINUTE, str(minute))
    for step in (HOUR, -HOUR, HOUR, -HOUR):
        clock.advance(step)
        await relay.promote()
    assert await happened(store) == ["0", "1", "2", "3", "4", "5"]


async def test_a_burst_is_moved_in_steps(store: Store, relay: Relay) -> None:
    """However many fall due at one instant, one transaction moves 256 of them, so requests get between."""

    def crowd(uow: UnitOfWork) -> None:
        for number in range(2 * STEP + 1):
            plan(uow, NOON, str(number))

    await store.work(NORTH, crowd)
    assert [await relay.promote() for _ in range(4)] == [256, 256, 1, 0]
    assert len(set(await happened(store))) == len(await happened(store)) == 2 * STEP + 1


async def test_it_sleeps_until_the_next_instant(
    store: Store, relay: Relay, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait ends at the next due event, is never longer than asked for and never negative."""
    monkeypatch.setattr(relaying, "STEP", 1)
    assert await relay.seconds_to_next(30) == 30
    await store.work(NORTH, plan, NOON + MINUTE)
    assert await relay.seconds_to_next(30) == 30
    assert await relay.seconds_to_next(90) == 60
    clock.advance(HOUR)
    assert await relay.seconds_to_next(90) == 0
