"""A running service: its handlers follow their topics, from where they left off, until it is stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from aulario.backends.broker import Log
from aulario.backends.broker.local import LocalBroker
from aulario.backends.database import StorageFault
from aulario.contracts.event import Envelope
from aulario.core import reactions as reacting
from aulario.core.consuming import Consumer
from aulario.core.reactions import Reactions
from aulario.core.relay import StoreLog
from tests.core.conftest import NORTH, Bench
from tests.core.sample import Boom, NoteDue, NotePosted, Teller


class Recorder(Teller):
    """Notes each key it is told under; answers when its gate is open."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()
        self.now = self.most = 0

    async def tell(self, key: str, text: str) -> str:
        self.keys.append(key)
        self.called.set()
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
        finally:
            self.now -= 1
        return text


class Running:
    """The reader in this process, started and stopped as often as a test likes."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.teller = bench, Recorder()
        self.current: Reactions | None = None

    def log(self, _topic: str) -> Log:
        return StoreLog(self.bench.writer)

    async def start(self) -> None:
        # A new consumer each time, for a restart keeps nothing in memory.
        old = self.bench.consumer
        self.bench.consumer = Consumer(old.store, old.handlers, owner=f"{old.owner}+", chance=old.chance)
        self.current = Reactions(self.bench.consumer, LocalBroker(self.log), {Teller: self.teller}, is_alone=True)
        await self.current.start()

    async def stop(self, grace: float = 10) -> None:
        if self.current is not None:
            await self.current.stop(grace)
            self.current = None

    async def until(self, check: Callable[[], Awaitable[bool]]) -> None:
        """Look after each commit of the reader until it is so."""
        listener = self.bench.reader.committed.listen()
        async with asyncio.timeout(10):
            while not await check():
                await listener.wait(0.02)

    async def until_effects(self, handler: str, *texts: str) -> None:
        async def there() -> bool:
            return len(await self.bench.effects(handler)) >= len(texts)

        await self.until(there)
        assert await self.bench.effects(handler) == list(texts)

    async def until_held(self, count: int, status: str = "waiting") -> None:
        async def there() -> bool:
            return len(await self.bench.held(status)) == count

        await self.until(there)


@pytest.fixture
async def running(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(reacting, "BREATH", 0.01)
    running = Running(bench)
    yield running
    running.teller.gate.set()
    await running.stop()


async def test_events_reach_every_handler(running: Running) -> None:
    """What is posted takes effect in each handler of its topic, the calling one by way of its call."""
    await running.start()
    await running.bench.post("a", "b")
    for handler in ("copy", "follow", "newly"):
        await running.until_effects(handler, "a", "b")

    async def told() -> bool:
        return sorted(await running.bench.effects("tell")) == ["a", "b"]

    await running.until(told)


async def test_a_new_handler_begins_where_it_says(running: Running) -> None:
    """One that begins at the first event takes what was there before it, one that begins now does not."""
    await running.bench.post("before")
    await running.start()
    await running.bench.post("after")
    await running.until_effects("copy", "before", "after")
    await running.until_effects("newly", "after")


async def test_a_handler_that_begins_now_misses_nothing_after_that(running: Running) -> None:
    """What is posted between its first start and its first batch is its own, though the process ended in between."""
    await running.bench.post("before")
    await running.start()
    await running.stop()
    await running.bench.post("while down")
    await running.start()
    await running.until_effects("newly", "while down")


async def test_a_restart_goes_on_where_it_was(running: Running) -> None:
    """Events taken are not given again, and those posted meanwhile are not missed."""
    await running.start()
    (first,) = await running.bench.post("a")
    await running.until_effects("copy", "a")
    await running.stop()
    rows = await running.bench.rows(running.bench.reader, "SELECT position FROM positions WHERE handler = 'copy'")
    assert rows == [(first.sequence,)]
    await running.bench.post("b")
    await running.start()
    await running.until_effects("copy", "a", "b")


async def test_rewinding_repeats_no_effect(running: Running) -> None:
    """A handler taken back to the first event meets them all again, and does nothing it has done."""
    await running.start()
    await running.bench.post("a", "b")
    await running.until_effects("copy", "a", "b")
    await running.stop()
    await running.bench.reader.work(NORTH, lambda uow: uow.transaction.run("UPDATE positions SET position = 0"))
    await running.start()
    await running.bench.post("c")
    await running.until_effects("copy", "a", "b", "c")


async def test_what_failed_is_tried_again(running: Running) -> None:
    """When its time has come, while the service runs, with nobody's help."""
    running.bench.faults.of["a"] = [Boom()]
    await running.start()
    await running.bench.post("a")
    await running.until_effects("newly", "a")
    await running.until_held(1)
    running.bench.clock.advance(timedelta(seconds=2))
    await running.until_effects("copy", "a")


async def test_due_events_are_promoted(running: Running) -> None:
    """A service that runs moves its own due events when their instant has come."""
    await running.start()
    clock, reader = running.bench.clock, running.bench.reader
    due = clock.now() + timedelta(hours=1)
    await reader.work(NORTH, lambda uow: uow.record(NoteDue(note_id="1"), due=due))
    clock.advance(timedelta(hours=1))

    async def promoted() -> bool:
        return len(await StoreLog(reader).after(0, "note.due", 10)) == 1

    await running.until(promoted)


async def test_a_stop_lets_calls_finish(running: Running) -> None:
    """Within the grace what was asked is waited for and stored."""
    await running.start()
    running.teller.gate.clear()
    await running.bench.post("a")
    await running.teller.called.wait()
    stopping = asyncio.create_task(running.stop(grace=10))
    await asyncio.sleep(0)
    assert not stopping.done()
    running.teller.gate.set()
    await stopping
    assert await running.bench.effects("tell") == ["a"]


async def test_a_call_that_outlives_the_grace_is_repeated_with_its_key(running: Running) -> None:
    """The stop ends on time; after the restart the same event asks with the same key, and takes effect once."""
    await running.start()
    running.teller.gate.clear()
    (event,) = await running.bench.post("a")
    await running.teller.called.wait()
    await running.stop(grace=0)
    assert await running.bench.effects("tell") == []
    running.teller.gate.set()
    await running.start()
    await running.until_effects("tell", "a")
    assert running.teller.keys == [f"{event.id}/tell"] * 2


async def test_a_call_has_a_time_limit(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that never answers is a failed attempt, kept with the event like any other."""
    monkeypatch.setattr(reacting, "CALL_SECONDS", 0.01)
    running.teller.gate.clear()
    await running.start()
    await running.bench.post("a")
    await running.until_held(1)
    (held,) = await running.bench.held()
    assert [failure.error for failure in held.history] == ["TimeoutError"]


async def test_calls_are_bounded(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many events wait, no more calls are out at one time than the service allows."""
    monkeypatch.setattr(reacting, "CALLS", 3)
    await running.start()
    await running.bench.post(*(str(number) for number in range(20)))

    async def told() -> bool:
        return len(await running.bench.effects("tell")) == 20

    await running.until(told)
    assert running.teller.most <= 3
    assert len(running.teller.keys) == 20


async def test_an_answer_is_not_asked_for_twice_when_the_storage_refuses(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a provider said is held on to until it can be stored."""
    refused: list[int] = []

    def refuse() -> None:
        if running.teller.keys and len(refused) < 3:
            refused.append(1)
            raise StorageFault

    await running.start()
    monkeypatch.setattr(running.bench.reader.database, "_committing", refuse)
    await running.bench.post("a")
    await running.until_effects("tell", "a")
    assert len(refused) == 3
    assert len(running.teller.keys) == 1


async def test_a_loop_survives_a_fault(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while reading an outbox is told and waited out; the handler then goes on."""
    faults = [RuntimeError("torn"), StorageFault("refused")]
    real = StoreLog.after

    async def after(log: StoreLog, position: int, topic: str, limit: int) -> list[Envelope]:
        if faults and topic == NotePosted.topic():
            raise faults.pop()
        return await real(log, position, topic, limit)

    monkeypatch.setattr(StoreLog, "after", after)
    await running.start()
    await running.bench.writer.work(NORTH, lambda uow: uow.record(NotePosted(note_id="1", author="ana", text="a")))
    await running.until_effects("copy", "a")
    assert faults == []
