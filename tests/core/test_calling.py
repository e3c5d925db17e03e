"""Handlers that call out: claimed before, stored after, and repeated with the same key when a crash came between."""

import random
from datetime import timedelta

import pytest

from aulario.backends.database import Step
from aulario.core import inbox
from aulario.core.consuming import LEASE, Claimed, Consumer
from aulario.core.errors import Unavailable
from tests.core.conftest import Bench
from tests.core.sample import Boom

SECOND = timedelta(seconds=1)


@pytest.fixture
def other(bench: Bench) -> Consumer:
    """The same service's consumer in another process."""
    return Consumer(bench.reader, bench.consumer.handlers, owner="other", chance=random.Random(2))


async def claim(bench: Bench, text: str = "a") -> Claimed:
    (claimed,) = await bench.give("tell", await bench.post(text))
    return claimed


async def taken_over(bench: Bench, other: Consumer) -> Claimed:
    """Let the other process take the claim over, as it does when the lease ran out."""
    bench.clock.advance(LEASE)
    _, (claimed,) = await other.due()
    return claimed


async def release(bench: Bench) -> None:
    """Do what the start of the only process does."""
    await bench.reader.write([Step(lambda transaction: inbox.release_claims(transaction, bench.clock.now()))])


async def test_a_call_is_claimed_and_then_settled(bench: Bench) -> None:
    """The request is prepared with the claim, the effect and the mark are stored with the answer."""
    claimed = await claim(bench)
    assert claimed.request == "a"
    assert (claimed.held.status, claimed.held.claimed_by) == ("claimed", "me")
    assert await bench.effects("tell.prepare") == ["a"]
    await bench.consumer.settle(claimed, "told a")
    assert await bench.effects("tell") == ["told a"]
    assert await bench.rows(bench.reader, "SELECT status, envelope, claimed_by FROM inbox") == [("done", None, None)]


async def test_an_event_given_again_is_not_called_for_again(bench: Bench) -> None:
    """Not while the call is out, and not after it was settled."""
    (event,) = await bench.post("a")
    (claimed,) = await bench.give("tell", [event, event])
    assert await bench.give("tell", [event]) == []
    await bench.consumer.settle(claimed, "told")
    assert await bench.give("tell", [event]) == []
    assert await bench.effects("tell") == ["told"]


async def test_nothing_to_call_for(bench: Bench) -> None:
    """A handler that prepares no request is done, with what it wrote while preparing."""
    assert await bench.give("tell", await bench.post("nothing to tell")) == []
    assert await bench.effects("tell.prepare") == ["nothing to tell"]
    assert await bench.rows(bench.reader, "SELECT status FROM inbox") == [("done",)]


async def test_a_crash_between_call_and_effect_repeats_the_call(bench: Bench) -> None:
    """After the restart the claim is free at once, and gives the same request of the same event."""
    before = await claim(bench)
    await release(bench)
    (again,) = await bench.later()
    assert (again.request, again.held.envelope.id) == (before.request, before.held.envelope.id)
    await bench.consumer.settle(again, "told")
    assert await bench.effects("tell") == ["told"]


async def test_a_claim_is_respected_for_its_lease(bench: Bench, other: Consumer) -> None:
    """Another process leaves it alone for a minute, and takes it over after that."""
    await claim(bench)
    bench.clock.advance(LEASE - SECOND)
    assert await other.due() == (0, [])
    bench.clock.advance(SECOND)
    tried, (taken,) = await other.due()
    assert tried == 1
    assert taken.held.claimed_by == "other"


async def test_a_zombies_answer_is_refused(bench: Bench, other: Consumer) -> None:
    """Whoever lost the claim meanwhile stores nothing, before the new owner settled and after (F16)."""
    zombie = await claim(bench)
    taken = await taken_over(bench, other)
    await bench.consumer.settle(zombie, "from the grave")
    assert await bench.effects("tell") == []
    await other.settle(taken, "told")
    await bench.consumer.settle(zombie, "from the grave")
    await other.settle(taken, "told twice")
    assert await bench.effects("tell") == ["told"]


@pytest.mark.parametrize("settled", [False, True])
async def test_a_zombies_failure_is_refused(bench: Bench, other: Consumer, *, settled: bool) -> None:
    """A call that failed late neither takes the claim from its new owner nor reopens what that one finished (F16)."""
    zombie = await claim(bench)
    taken = await taken_over(bench, other)
    if settled:
        await other.settle(taken, "told")
    await bench.consumer.give_back(zombie, Boom())
    assert await bench.held() == []
    if not settled:
        await other.settle(taken, "told")
    assert await bench.later(days=1) == []
    assert await bench.effects("tell") == ["told"]


async def test_a_clock_that_leaps_repeats_no_call_of_this_process(bench: Bench) -> None:
    """An hour forward ends the lease, but what this process still waits for is not called for twice (F21)."""
    claimed = await claim(bench)
    bench.clock.advance(timedelta(hours=1))
    calling = {("tell", claimed.held.envelope.id)}
    assert await bench.consumer.due(calling) == (0, [])
    await bench.consumer.settle(claimed, "told")
    assert await bench.effects("tell") == ["told"]


async def test_a_clock_set_back_ends_no_lease(bench: Bench, other: Consumer) -> None:
    """An hour back makes a claim last longer, never shorter (F21)."""
    await claim(bench)
    bench.clock.advance(timedelta(hours=-1))
    assert await other.due() == (0, [])
    bench.clock.advance(timedelta(hours=1) + LEASE - SECOND)
    assert await other.due() == (0, [])


async def test_a_call_that_failed_is_tried_again(bench: Bench) -> None:
    """With its history, after a wait, and with the attempts counted up to the last."""
    claimed = await claim(bench)
    for attempt in range(1, 5):
        await bench.consumer.give_back(claimed, Boom())
        (held,) = await bench.held()
        assert (held.attempts, len(held.history), held.claimed_by) == (attempt, attempt, None)
        (claimed,) = await bench.later(minutes=8)
    await bench.consumer.give_back(claimed, Boom())
    (dead,) = await bench.held("dead")
    assert dead.attempts == 5
    assert await bench.effects("tell") == []


async def test_an_outage_outside_counts_no_attempt(bench: Bench) -> None:
    """While a provider is down the handler pauses; afterwards the call is made and takes effect once."""
    claimed = await claim(bench)
    await bench.consumer.give_back(claimed, Unavailable("the gateway is down"))
    assert await bench.give("tell", await bench.post("b")) == []
    assert [held.attempts for held in await bench.held()] == [0, 0]
    (probe,) = await bench.later(seconds=2)
    await bench.consumer.settle(probe, "told")
    (second,) = await bench.later(seconds=2)
    await bench.consumer.settle(second, "told too")
    assert await bench.effects("tell") == ["told", "told too"]


async def test_an_effect_that_fails_is_rolled_back_and_called_for_again(bench: Bench) -> None:
    """Effect and mark are one transaction; the repeated call is for the same event, hence has the same key."""
    bench.faults.of["a"] = [Boom()]
    claimed = await claim(bench)
    await bench.consumer.settle(claimed, "told")
    assert await bench.effects("tell") == []
    (again,) = await bench.later(seconds=2)
    assert again.held.envelope.id == claimed.held.envelope.id
    assert [failure.error for failure in again.held.history] == ["Boom"]
    await bench.consumer.settle(again, "told")
    assert await bench.effects("tell") == ["told"]


async def test_a_preparation_that_fails_claims_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are undone, and the event waits for its next attempt."""
    (event,) = await bench.post("a")
    with monkeypatch.context() as patch:
        patch.setattr("tests.core.sample.uuid7", lambda: 1 / 0)
        assert await bench.give("tell", [event]) == []
    (held,) = await bench.held()
    assert [failure.error for failure in held.history] == ["ZeroDivisionError"]
    assert await bench.effects("tell.prepare") == []
    assert len(await bench.later(seconds=2)) == 1
