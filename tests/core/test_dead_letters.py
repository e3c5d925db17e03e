"""Dead letters: seen in groups, chosen in any way, and replayed any number of times without a second effect."""

from datetime import timedelta

import pytest

from aulario.backends.database import Step, Transaction
from aulario.core import dead_letters
from aulario.core.dead_letters import Choice, Group, Replay
from aulario.core.relay import StoreLog
from aulario.core.retrying import Poison
from tests.conftest import NOON
from tests.core.conftest import NORTH, SOUTH, Bench
from tests.core.sample import Boom, NoteSold

DAY = timedelta(days=1)
ALL = Choice()


async def kill(bench: Bench, *texts: str, handler: str = "copy", word: str = "unreadable") -> None:
    """Let events of North die at their first attempt."""
    for text in texts:
        bench.faults.of[text] = [Poison(word)]
    await bench.give(handler, await bench.post(*texts))


async def replay(bench: Bench, choice: Choice = ALL, limit: int = 1000) -> Replay:
    def body(transaction: Transaction) -> Replay:
        return dead_letters.replay(transaction, choice, bench.clock.now(), limit)

    (done,) = await bench.reader.write([Step(body)])
    assert isinstance(done, Replay)
    return done


async def groups(bench: Bench, tenant: str | None = None) -> list[Group]:
    return await bench.reader.database.read(lambda transaction: dead_letters.groups(transaction, tenant))


async def found(bench: Bench, choice: Choice) -> list[str]:
    letters = await bench.reader.database.read(lambda transaction: dead_letters.letters(transaction, choice))
    return sorted(letter.envelope.data.split('"text":"')[1][0] for letter in letters)


async def count(bench: Bench) -> int:
    return sum(group.letters for group in await groups(bench))


async def run_dry(bench: Bench) -> None:
    """Let time pass until nothing waits."""
    while await bench.rows(bench.reader, "SELECT 1 FROM inbox WHERE status = 'waiting' LIMIT 1"):
        await bench.later(minutes=10)


async def test_they_are_grouped_by_handler_and_error(bench: Bench) -> None:
    """Many that died alike are one line: how many, and when the first and the last came; the largest group first."""
    await kill(bench, "a", "b")
    bench.clock.advance(DAY)
    await kill(bench, "c")
    await kill(bench, "d", word="too new")
    await kill(bench, "e", handler="follow")
    one = {"first": NOON + DAY, "last": NOON + DAY}
    assert await groups(bench) == [
        Group("copy", "note.posted", "Poison: unreadable", 3, NOON, NOON + DAY),
        Group("copy", "note.posted", "Poison: too new", 1, **one),
        Group("follow", "note.posted", "Poison: unreadable", 1, **one),
    ]


async def test_they_are_shown_per_tenant(bench: Bench) -> None:
    """A tenant's administrator sees and replays their own only; the operator all."""
    await kill(bench, "a")
    bench.faults.of["b"] = [Poison("unreadable")]
    await bench.give("copy", await bench.post("b", context=SOUTH))
    assert [group.letters for group in await groups(bench)] == [2]
    assert [group.letters for group in await groups(bench, "south")] == [1]
    assert await groups(bench, "east") == []
    assert await found(bench, Choice(tenant="south")) == ["b"]
    assert await replay(bench, Choice(tenant="south")) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("copy", SOUTH) == ["b"]
    assert await bench.effects("copy", NORTH) == []


async def test_any_choice_can_be_made(bench: Bench) -> None:
    """By handler, by error, by event, by several of them at once, or all."""
    await kill(bench, "a", "b")
    await kill(bench, "c", word="too new")
    await kill(bench, "d", handler="follow")
    (only,) = (held.envelope.id for held in await bench.held("dead") if '"a"' in held.envelope.data)
    assert await found(bench, ALL) == ["a", "b", "c", "d"]
    assert await found(bench, Choice(handler="follow")) == ["d"]
    assert await found(bench, Choice(error="Poison: too new")) == ["c"]
    assert await found(bench, Choice(event_id=only)) == ["a"]
    assert await found(bench, Choice(handler="follow", event_id=only)) == []


async def test_one_a_group_or_all_are_replayed(bench: Bench) -> None:
    """Each choice moves its letters and leaves the others dead."""
    await kill(bench, "a", "b")
    await kill(bench, "c", word="too new")
    (only,) = (held.envelope.id for held in await bench.held("dead") if '"a"' in held.envelope.data)
    assert await replay(bench, Choice(event_id=only)) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("copy") == ["a"]
    assert await replay(bench, Choice(error="Poison: too new")) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("copy") == ["a", "c"]
    assert await replay(bench) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("copy") == ["a", "c", "b"]
    assert await replay(bench) == Replay(0, 0)


async def test_a_replay_takes_the_oldest_first_up_to_its_limit(bench: Bench) -> None:
    """A mountain of letters is replayed in parts."""
    await kill(bench, "a")
    bench.clock.advance(DAY)
    await kill(bench, "b")
    assert await replay(bench, limit=1) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("copy") == ["a"]


async def test_a_replayed_letter_has_all_its_attempts_again(bench: Bench) -> None:
    """It starts with a fresh count and keeps its history, and may die and be replayed once more."""
    bench.faults.of["a"] = [Boom()] * 7
    await bench.give("copy", await bench.post("a"))
    await run_dry(bench)
    await replay(bench)
    (held,) = await bench.held()
    assert (held.attempts, len(held.history)) == (0, 5)
    await run_dry(bench)
    assert await bench.effects("copy") == ["a"]
    assert bench.faults.of["a"] == []


async def test_replaying_twice_at_once_is_replaying_once(bench: Bench) -> None:
    """A second click finds nothing dead any more."""
    await kill(bench, "a")
    assert [await replay(bench), await replay(bench)] == [Replay(1, 0), Replay(0, 0)]
    await run_dry(bench)
    assert await bench.effects("copy") == ["a"]


async def test_an_event_given_again_does_not_wake_a_dead_letter(bench: Bench) -> None:
    """Only a replay does."""
    bench.faults.of["a"] = [Poison("unreadable")]
    events = await bench.post("a")
    await bench.give("copy", events)
    await bench.give("copy", events)
    assert await bench.effects("copy") == []
    assert await count(bench) == 1


async def test_a_thousand_replayed_twice(bench: Bench) -> None:
    """Half of them still fail: each effect happens once, and those that fail return with their history (F19)."""
    texts = [str(number) for number in range(1000)]
    still = texts[::2]
    await kill(bench, *texts)
    await run_dry(bench)
    assert await count(bench) == 1000
    for text in still:
        bench.faults.of[text] = [Poison("still unreadable")] * 2
    for _ in range(2):
        await replay(bench)
        await run_dry(bench)
    assert sorted(await bench.effects("copy")) == sorted(texts[1::2])
    dead = await bench.held("dead")
    assert len(dead) == 500
    assert {tuple(failure.error for failure in held.history) for held in dead} == {
        ("Poison: unreadable", "Poison: still unreadable", "Poison: still unreadable")
    }
    await replay(bench)
    await run_dry(bench)
    assert sorted(await bench.effects("copy")) == sorted(texts)


@pytest.mark.parametrize(("days", "expected"), [(29, Replay(1, 0)), (30, Replay(0, 1)), (400, Replay(0, 1))])
async def test_a_replay_past_retention_is_refused(bench: Bench, days: int, expected: Replay) -> None:
    """When the mark that the effect happened may be gone, trying again is not safe, and is counted as refused (F20)."""
    await kill(bench, "a")
    bench.clock.advance(days * DAY)
    assert await replay(bench) == expected
    await run_dry(bench)
    assert await bench.effects("copy") == ["a"] * expected.replayed


async def test_money_can_be_replayed_for_ever(bench: Bench) -> None:
    """Its marks are never forgotten, so a replay after ten years is as safe as after a day (F20)."""
    bench.faults.of["sold"] = [Poison("unreadable")]
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteSold(note_id="1", author="ana", text="sold")))
    await bench.give("book", await StoreLog(bench.writer).after(0, "note.sold", 1))
    bench.clock.advance(3650 * DAY)
    assert await replay(bench) == Replay(1, 0)
    await run_dry(bench)
    assert await bench.effects("book") == ["sold"]


async def test_a_call_is_replayed_as_a_call(bench: Bench) -> None:
    """A dead letter of a handler that calls out is claimed and asked for again."""
    bench.faults.of["a"] = [Poison("unreadable")]
    (claimed,) = await bench.give("tell", await bench.post("a"))
    await bench.consumer.settle(claimed, "told")
    assert await count(bench) == 1
    await replay(bench)
    (again,) = await bench.later(seconds=1)
    await bench.consumer.settle(again, "told")
    assert await bench.effects("tell") == ["told"]
    assert await count(bench) == 0


async def test_ordered_letters_stay_in_order(bench: Bench) -> None:
    """Replayed together, a later one of a key waits again when the earlier one fails again."""
    await kill(bench, "a", "b", handler="follow")
    bench.faults.of["a"] = [Boom()]
    await replay(bench)
    await bench.later(seconds=0)
    assert await bench.effects("follow") == []
    await run_dry(bench)
    assert await bench.effects("follow") == ["a", "b"]
