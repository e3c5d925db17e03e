"""The policy of retries: its numbers, its spread, and the pauses that spare an outage from filling the dead letters."""

import random
from datetime import timedelta

import pytest

from aulario.core.errors import NotFound, Unavailable
from aulario.core.retrying import Pauses, Poison, Policy, described
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core.conftest import SOUTH, Bench
from tests.core.sample import Boom

DOWN = Unavailable("the gateway is down")


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 4), (3, 16), (4, 64), (5, 256), (6, 300), (50, 300)])
def test_waits_grow_and_are_spread(attempts: int, seconds: float) -> None:
    """A second, then four times as long each time up to five minutes, each half as long to half as long again."""
    chance = random.Random(7)
    waits = [Policy().wait(attempts, chance).total_seconds() for _ in range(500)]
    assert all(seconds * 0.5 <= wait <= seconds * 1.5 for wait in waits)
    assert min(waits) < seconds * 0.55
    assert max(waits) > seconds * 1.45


def test_errors_are_described_without_their_words() -> None:
    """Ours are quoted; what an unforeseen error says stays out, for it may quote what it was given."""
    assert described(Unavailable("try later")) == "Unavailable: try later"
    assert described(NotFound("no such course")) == "NotFound: no such course"
    assert described(Poison("bad JSON")) == "Poison: bad JSON"
    assert described(ValueError("password=hunter2")) == "ValueError"


def test_an_outage_pauses_at_once_and_longer_each_time() -> None:
    """The first probe comes after half a second, the next ones after twice as long each, up to 30 seconds."""
    pauses, clock, waits = Pauses(Policy()), ManualClock(NOON), []
    for _ in range(8):
        pauses.failed("copy", DOWN, clock.now())
        began = clock.now()
        while not pauses.probes(clock.now()):
            clock.advance(timedelta(seconds=0.5))
        waits.append((clock.now() - began).total_seconds())
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert pauses.open(["copy", "other"]) == ["other"]
    pauses.succeeded("copy")
    assert pauses.open(["copy", "other"]) == ["copy", "other"]
    assert not pauses.is_paused("copy")


def test_a_streak_of_other_errors_pauses_too() -> None:
    """Nine failures in a row do not, the tenth does; a success in between begins the count anew."""
    pauses = Pauses(Policy())
    for round_ in range(2):
        for _ in range(9):
            pauses.failed("copy", Boom(), NOON)
        assert not pauses.is_paused("copy"), round_
        pauses.succeeded("copy")
    for _ in range(10):
        pauses.failed("copy", Boom(), NOON)
    assert pauses.is_paused("copy")


async def test_during_an_outage_events_are_kept_untried(bench: Bench) -> None:
    """Once a handler met an outage, what follows is taken and held with no attempt counted, and none of it dies."""
    bench.faults.of["a"] = [DOWN] * 2
    await bench.give("copy", await bench.post("a", "b", "c"))
    await bench.give("copy", await bench.post("d"))
    held = await bench.held()
    assert [(one.attempts, len(one.history)) for one in held] == [(0, 1), (0, 0), (0, 0), (0, 0)]
    assert await bench.effects("copy") == []


async def test_a_paused_handler_probes_with_one_event(bench: Bench) -> None:
    """Not before its time, and one event only; as long as that fails the others are left alone."""
    for text in "abcd":
        bench.faults.of[text] = [DOWN] * 2
    await bench.give("copy", await bench.post("a", "b", "c", "d"))
    await bench.later(seconds=0.4)
    assert sum(map(len, bench.faults.of.values())) == 7
    await bench.later(seconds=0.1)
    assert sum(map(len, bench.faults.of.values())) == 6
    await bench.later(seconds=0)
    assert sum(map(len, bench.faults.of.values())) == 6


async def test_a_probe_that_succeeds_resumes_the_handler(bench: Bench) -> None:
    """What was held drains, in order, and what comes next runs at once."""
    bench.faults.of["a"] = [DOWN]
    await bench.give("follow", await bench.post("a", "b", "c"))
    for _ in range(6):
        await bench.later(seconds=1)
    assert await bench.effects("follow") == ["a", "b", "c"]
    await bench.give("follow", await bench.post("d"))
    assert await bench.effects("follow") == ["a", "b", "c", "d"]


async def test_a_clock_set_back_prolongs_no_wait(bench: Bench) -> None:
    """Neither a pause nor the wait for another attempt lasts the hour that the clock lost."""
    bench.faults.of |= {"a": [DOWN], "b": [Boom()]}
    await bench.give("copy", await bench.post("a"))
    await bench.give("follow", await bench.post("b"))
    bench.clock.advance(timedelta(hours=-1))
    await bench.later(seconds=0)
    assert await bench.effects("copy") == ["a"]
    assert await bench.effects("follow") == ["b"]


async def test_a_probe_that_is_out_is_the_only_one(bench: Bench) -> None:
    """While a provider keeps the one call waiting, no second is made to see how it is."""
    first, second = await bench.give("tell", await bench.post("a", "b"))
    for claimed in (first, second):
        await bench.consumer.give_back(claimed, DOWN)
    bench.clock.advance(timedelta(minutes=1))
    _, (probe,) = await bench.consumer.due()
    calling = {(probe.held.handler, probe.held.envelope.id)}
    assert await bench.consumer.due(calling) == (0, [])


async def test_a_pause_is_the_handlers_own(bench: Bench) -> None:
    """Another handler of the same event goes on."""
    bench.faults.of["a"] = [DOWN]
    events = await bench.post("a")
    await bench.give("copy", events)
    await bench.give("follow", events)
    assert await bench.effects("follow") == ["a"]
    assert await bench.effects("copy") == []


async def test_an_outage_kills_no_event(bench: Bench) -> None:
    """However long somebody else is down, no attempt is counted, and afterwards all is done once."""
    texts = [str(number) for number in range(5)]
    for text in texts:
        bench.faults.of[text] = [DOWN] * 20
    await bench.give("copy", await bench.post(*texts))
    for _ in range(30):
        await bench.later(minutes=10)
    assert await bench.held("dead") == []
    for faults in bench.faults.of.values():
        faults.clear()
    for _ in range(10):
        await bench.later(minutes=10)
    assert sorted(await bench.effects("copy")) == texts


async def test_a_streak_of_failing_events_pauses_the_handler(bench: Bench) -> None:
    """From the tenth failure in a row on, events are held instead of spent; the broker goes on."""
    texts = [str(number) for number in range(15)]
    for text in texts:
        bench.faults.of[text] = [Boom()]
    await bench.give("copy", await bench.post(*texts))
    assert [held.attempts for held in await bench.held()] == [1] * 10 + [0] * 5
    for _ in range(20):
        await bench.later(minutes=1)
    assert sorted(await bench.effects("copy"), key=int) == texts


async def test_what_failed_together_does_not_return_together(bench: Bench) -> None:
    """The next attempts of events that failed at one instant are spread."""
    texts = [str(number) for number in range(8)]
    for text in texts:
        bench.faults.of[text] = [Boom()]
    await bench.give("copy", await bench.post(*texts))
    assert len({held.due for held in await bench.held()}) == 8


async def test_ordered_handlers_wait_for_the_earlier_event(bench: Bench) -> None:
    """Later events of the key wait while one fails, and follow in order once it is done; other keys pass."""
    bench.faults.of["a1"] = [Boom()]
    ana = await bench.post("a1", "a2", author="ana")
    await bench.give("follow", [*ana, *await bench.post("b1", author="ben"), *await bench.post("a3", author="ana")])
    assert await bench.effects("follow") == ["b1"]
    assert [held.due is None for held in await bench.held()] == [False, True, True]
    for _ in range(3):
        await bench.later(seconds=2)
    assert await bench.effects("follow") == ["b1", "a1", "a2", "a3"]


async def test_one_tenants_failure_does_not_hold_up_another(bench: Bench) -> None:
    """The same key of another tenant is another key."""
    bench.faults.of["n"] = [Boom()]
    (north,) = await bench.post("n")
    (south,) = await bench.post("s", context=SOUTH)
    await bench.give("follow", [north, south])
    assert await bench.effects("follow", SOUTH) == ["s"]


async def test_ordered_handlers_go_on_after_a_dead_letter(bench: Bench) -> None:
    """An event that is given up unblocks the next of its key, and each following one in turn."""
    bench.faults.of["a1"] = [Boom()] * 5
    bench.faults.of["a2"] = [Poison("unreadable")]
    await bench.give("follow", await bench.post("a1", "a2", "a3", "a4"))
    for _ in range(8):
        await bench.later(minutes=8)
    assert await bench.effects("follow") == ["a3", "a4"]
    assert len(await bench.held("dead")) == 2


async def test_unordered_handlers_pass(bench: Bench) -> None:
    """Unless a handler asks for order, one event that fails holds up no other."""
    bench.faults.of["a1"] = [Boom()]
    await bench.give("copy", await bench.post("a1", "a2"))
    assert await bench.effects("copy") == ["a2"]


async def test_a_rung_bell_tells_of_kept_events(bench: Bench) -> None:
    """Whoever retries is woken when there is something to retry."""
    listener = bench.consumer.kept.listen()
    await bench.give("copy", await bench.post("fine"))
    assert not listener.rung.is_set()
    bench.faults.of["a"] = [Boom()]
    await bench.give("copy", await bench.post("a"))
    assert listener.rung.is_set()
