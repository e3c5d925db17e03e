"""What a service still holds of a key is told as steps of its story."""

from aulario.contracts.story import Step
from aulario.core.retrying import Poison
from aulario.core.stories import held_steps
from tests.core.conftest import NORTH, SOUTH, Bench
from tests.core.sample import Boom


async def steps(bench: Bench) -> list[Step]:
    return await bench.reader.read(NORTH, held_steps, "reader", "ana")


async def test_nothing_is_told_of_what_is_done(bench: Bench) -> None:
    """A story that went well has no such steps."""
    await bench.give("copy", await bench.post("a"))
    assert await steps(bench) == []


async def test_what_waits_and_what_died_is_told(bench: Bench) -> None:
    """With the handler, how often it was tried, why it failed, and the event to replay."""
    bench.faults.of["a"], bench.faults.of["b"] = [Boom()], [Poison("unreadable")]
    events = await bench.post("a", "b")
    await bench.give("copy", events)
    waiting, dead = await steps(bench)
    assert (waiting.code, waiting.outcome, waiting.at) == ("event.waiting", "waiting", bench.clock.now())
    assert waiting.facts == {
        "service": "reader",
        "handler": "copy",
        "attempts": "1",
        "error": "Boom",
        "event": events[0].id,
    }
    assert (dead.code, dead.outcome, dead.facts["error"]) == ("event.dead", "failed", "Poison: unreadable")


async def test_a_call_that_is_out_is_told_as_waiting(bench: Bench) -> None:
    """Nothing failed yet, so it has no error and is told of now."""
    await bench.give("tell", await bench.post("a"))
    (step,) = await steps(bench)
    assert (step.code, step.at, step.facts["error"]) == ("event.waiting", bench.clock.now(), "")


async def test_other_keys_and_tenants_are_not_told(bench: Bench) -> None:
    """Somebody of the same name in another academy has a story of their own."""
    for text in "abc":
        bench.faults.of[text] = [Boom()]
    await bench.give("copy", [*await bench.post("a", context=SOUTH), *await bench.post("b", author="ben")])
    assert await steps(bench) == []
