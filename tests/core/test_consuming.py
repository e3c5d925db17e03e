"""Taking events: each handler's effect happens once, together with its mark, whatever is given how often."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from aulario.backends.database import StorageFault
from aulario.contracts.event import Envelope
from aulario.core import inbox, telemetry
from aulario.core.consuming import Consumer
from aulario.core.context import Context
from aulario.core.errors import Unavailable
from aulario.core.relay import StoreLog
from tests.core.conftest import NORTH, SOUTH, Bench
from tests.core.sample import Boom, NoteSold


async def test_an_event_takes_effect_once_for_each_handler(bench: Bench) -> None:
    """Given again in another batch, or twice in one, an event does nothing more; each handler keeps its own count."""
    events = await bench.post("a", "b")
    await bench.give("copy", events)
    await bench.give("copy", [*events, *events])
    await bench.give("follow", [*events, *events])
    assert await bench.effects("copy") == ["a", "b"]
    assert await bench.effects("follow") == ["a", "b"]


async def test_duplicates_are_counted(bench: Bench) -> None:
    """An operator sees how many events came more than once."""
    known = telemetry.HANDLED.labels("copy", "known")
    before = known._value.get()  # noqa: SLF001 - the only way to read one value
    (event,) = await bench.post("a")
    for _ in range(3):
        await bench.give("copy", [event])
    assert known._value.get() - before == 2  # noqa: SLF001 - as above


async def test_an_effect_and_its_mark_are_one_transaction(bench: Bench) -> None:
    """A handler that fails after it wrote leaves neither rows nor a mark; its neighbours keep theirs."""
    bench.faults.of["b"] = [Boom()]
    await bench.give("copy", await bench.post("a", "b", "c"))
    assert await bench.effects("copy") == ["a", "c"]
    assert [held.attempts for held in await bench.held()] == [1]
    await bench.later(seconds=2)
    assert await bench.effects("copy") == ["a", "c", "b"]


async def test_the_place_moves_with_the_batch(bench: Bench) -> None:
    """The handler's place is stored in the commit that takes the batch, and the broker is told after it."""
    events = await bench.post("a", "b")
    bench.faults.of["b"] = [Boom()]
    await bench.give("copy", events)
    assert await bench.rows(bench.reader, "SELECT position FROM positions") == [(events[-1].sequence,)]
    assert bench.hand.acknowledged == [event.id for event in events]


async def test_a_handler_works_in_the_tenant_of_its_event(bench: Bench) -> None:
    """Effects are rows of the event's tenant, and of no other."""
    await bench.give("copy", [*await bench.post("n"), *await bench.post("s", context=SOUTH)])
    assert await bench.effects("copy", NORTH) == ["n"]
    assert await bench.effects("copy", SOUTH) == ["s"]


async def test_events_of_a_handler_carry_on_their_cause(bench: Bench) -> None:
    """What a unit of work records has the request and the trace of the context it runs in."""
    context = Context.root("request-7", sampled=True, tenant="north")
    (event,) = await bench.post("a", context=context)
    assert event.request_id == "request-7"
    assert Context.of(event).trace_id == context.trace_id
    assert Context.of(event).tenant == "north"


async def test_nothing_is_acknowledged_when_the_storage_refuses(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is given again by the broker, and then takes effect once."""
    events = await bench.post("a", "b")

    def refuse() -> None:
        raise StorageFault

    with monkeypatch.context() as patch:
        patch.setattr(bench.reader.database, "_committing", refuse)
        with pytest.raises(Unavailable):
            await bench.give("copy", events)
    assert bench.hand.acknowledged == []
    assert await bench.rows(bench.reader, "SELECT * FROM inbox") == []
    await bench.give("copy", events)
    assert await bench.effects("copy") == ["a", "b"]


@pytest.mark.parametrize("fault", [StorageFault("refused"), RuntimeError("refused")])
async def test_a_failure_that_cannot_be_stored_is_not_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The batch is not acknowledged, is given again, and loses nothing and doubles nothing (F18)."""
    bench.faults.of["b"] = [Boom(), Boom()]
    events = await bench.post("a", "b", "c")
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise fault

        patch.setattr(inbox, "hold", refuse)
        with pytest.raises((Unavailable, RuntimeError)):
            await bench.give("copy", events)
    assert bench.hand.acknowledged == []
    assert await bench.rows(bench.reader, "SELECT * FROM positions") == []
    await bench.give("copy", events)
    assert bench.hand.acknowledged == [event.id for event in events]
    assert sorted(await bench.effects("copy")) == ["a", "c"]
    await bench.later(seconds=2)
    assert sorted(await bench.effects("copy")) == ["a", "b", "c"]


def broken(event: Envelope) -> Envelope:
    return msgspec.structs.replace(event, data='{"note_id":')


def newer(event: Envelope) -> Envelope:
    return msgspec.structs.replace(event, version=3)


def incomplete(event: Envelope) -> Envelope:
    return msgspec.structs.replace(event, data='{"author":"ana"}')


POISONS: list[tuple[Callable[[Envelope], Envelope], str]] = [
    (broken, "cannot be read"),
    (incomplete, "missing required field `note_id`"),
    (newer, "version 3 of note.posted is newer than 2, which is read here"),
]


@pytest.mark.parametrize(("spoil", "reason"), POISONS)
async def test_poison_dies_at_once(bench: Bench, spoil: Callable[[Envelope], Envelope], reason: str) -> None:
    """What no attempt can make readable is a dead letter with a clear reason, and its partition moves on (F17, F33)."""
    first, second, third = await bench.post("a", "b", "c")
    await bench.give("follow", [first, spoil(second), third])
    (dead,) = await bench.held("dead")
    assert dead.envelope.id == second.id
    assert reason in dead.history[-1].error
    assert await bench.held() == []
    await bench.later(seconds=1)
    assert await bench.effects("follow") == ["a", "c"]


async def test_a_handler_that_always_fails_gives_up(bench: Bench) -> None:
    """After five attempts an event is dead, its events' neighbours having passed, and it is tried no more (F17)."""
    bench.faults.of["b"] = [Boom()] * 99
    await bench.give("copy", await bench.post("a", "b", "c"))
    attempts = [(await bench.held())[0].attempts]
    while await bench.held():
        await bench.later(minutes=8)
        attempts += [held.attempts for held in await bench.held()]
    (dead,) = await bench.held("dead")
    assert attempts == [1, 2, 3, 4]
    assert dead.attempts == len(dead.history) == 5
    assert await bench.effects("copy") == ["a", "c"]
    await bench.later(days=1)
    assert len(bench.faults.of["b"]) == 94


async def test_an_older_writer_is_understood(bench: Bench) -> None:
    """An event of version 1, without the field that version 2 added, is read with that field's default (F33)."""
    (event,) = await bench.post("a")
    data = {key: value for key, value in json.loads(event.data).items() if key != "mood"}
    await bench.give("copy", [msgspec.structs.replace(event, version=1, data=json.dumps(data))])
    assert await bench.effects("copy") == ["a"]


async def test_a_field_nobody_knows_is_passed_over(bench: Bench) -> None:
    """A writer of the same version that adds an optional field does not stop its readers (F33)."""
    (event,) = await bench.post("a")
    data = json.dumps(json.loads(event.data) | {"colour": "green"})
    await bench.give("copy", [msgspec.structs.replace(event, data=data)])
    assert await bench.effects("copy") == ["a"]


async def test_history_tells_each_attempt(bench: Bench) -> None:
    """Each failure is kept with its instant; of an unforeseen error only the name, as its words may hold secrets."""
    bench.faults.of["a"] = [Boom("the password is hunter2"), Unavailable("the gateway is down")]
    await bench.give("copy", await bench.post("a"))
    began = bench.clock.now()
    await bench.later(seconds=2)
    (held,) = await bench.held()
    assert [failure.error for failure in held.history] == ["Boom", "Unavailable: the gateway is down"]
    assert held.history[0].at == began
    assert held.history[1].at == bench.clock.now()


async def test_only_the_newest_failures_are_kept(bench: Bench) -> None:
    """An outage of days does not make an event grow: the ten newest failures stay."""
    bench.faults.of["a"] = [Unavailable(f"outage {number}") for number in range(15)]
    await bench.give("copy", await bench.post("a"))
    for _ in range(14):
        await bench.later(hours=1)
    (held,) = await bench.held()
    assert [failure.error for failure in held.history] == [f"Unavailable: outage {n}" for n in range(5, 15)]
    assert held.attempts == 0


async def test_what_a_done_event_said_is_not_kept(bench: Bench) -> None:
    """The inbox remembers that an event was done, not its data; and money for ever."""
    bench.faults.of["a"] = [Boom()]
    await bench.give("copy", await bench.post("a"))
    await bench.later(seconds=2)
    await bench.writer.work(NORTH, lambda uow: uow.record(NoteSold(note_id="1", author="ana", text="sold")))
    await bench.give("book", await StoreLog(bench.writer).after(0, "note.sold", 1))
    rows = await bench.rows(bench.reader, "SELECT status, envelope, expires IS NULL FROM inbox ORDER BY handler")
    assert rows == [("done", None, 1), ("done", None, 0)]


async def test_another_consumers_retry_is_not_repeated(bench: Bench) -> None:
    """Two processes that find the same event due make one effect."""
    bench.faults.of["a"] = [Boom()]
    await bench.give("copy", await bench.post("a"))
    other = Consumer(bench.reader, bench.consumer.handlers, owner="other")
    bench.clock.advance(timedelta(seconds=2))
    await asyncio.gather(bench.consumer.due(), other.due())
    assert await bench.effects("copy") == ["a"]
