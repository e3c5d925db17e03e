"""Keeps a running service reacting: its handlers follow their topics, what waits is retried, what is due is moved."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aulario.backends.broker import Broker, Subscription
from aulario.backends.database import Step, StorageFault
from aulario.core import inbox, telemetry
from aulario.core.consuming import Claimed, Consumer
from aulario.core.errors import Unavailable
from aulario.core.handlers import Outside
from aulario.core.logs import log
from aulario.core.measuring import measure
from aulario.core.relay import Relay
from aulario.core.sweeping import sweep
from aulario.kit.crash import crash_point

CALLS = 64
"""Calls out at one time, a service."""
CALL_SECONDS = 30.0
BREATH = 1.0
"""Seconds between looks at what another process may have changed, and before a refused storage is tried again."""
YIELD = 0.3
"""Seconds left to requests after each batch while there is a crowd of them."""
SWEEP_SECONDS = 600.0
MEASURE_SECONDS = 5.0

_log = log("reactions")


@dataclass
class Reactions:
    """The loops of one service in this process."""

    consumer: Consumer
    broker: Broker
    backends: dict[type, Any]
    is_alone: bool
    """Whether no other process reacts for this service, so that claims found at the start are nobody's."""
    is_busy: Callable[[], bool] = lambda: False
    """Whether people wait for answers, who come before what happens behind their backs."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _calls: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    async def start(self) -> None:
        store = self.consumer.store
        if self.is_alone:
            await store.write([Step(lambda transaction: inbox.release_claims(transaction, store.clock.now()))])
        self._slots = asyncio.Semaphore(CALLS)
        self._relay, self._kept = Relay(store), self.consumer.kept.listen()
        loops = [self._follow(name, await self._subscribe(name)) for name in self.consumer.handlers]
        steps = (self._retry, self._promote, self._sweep, self._measure)
        for loop in (*loops, *map(self._forever, steps)):
            self._tasks.append(asyncio.create_task(loop))

    async def stop(self, grace: float) -> None:
        """Take nothing new, and give the calls that are under way `grace` seconds to be settled."""
        await _cancelled(self._tasks)
        if self._calls:
            await asyncio.wait(self._calls.values(), timeout=grace)
        # What is still out will be claimed again after its lease, and asked again with the same key.
        await _cancelled(list(self._calls.values()))

    async def _subscribe(self, name: str) -> Subscription:
        handler = self.consumer.handlers[name]
        position = await self.consumer.store.database.read(lambda transaction: inbox.position(transaction, name))
        found = await self.broker.subscribe(name, handler.topic, position, from_first=handler.begins == "first")
        if position is None:
            (stored,) = await self.consumer.store.write([Step(found.begin)])
            if isinstance(stored, Exception):
                raise stored
        return found

    async def _follow(self, name: str, subscription: Subscription) -> None:
        async def step() -> None:
            batch = await subscription.next()
            await self._call_all(await self.consumer.take(name, batch, subscription))
            if self.is_busy():
                # A moment later the next batch is larger, and costs less an event.
                await asyncio.sleep(YIELD)

        await self._forever(step)

    async def _retry(self) -> None:
        tried, claims = await self.consumer.due(set(self._calls))
        await self._call_all(claims)
        if not tried:
            await self._kept.wait(BREATH)

    async def _promote(self) -> None:
        seconds = await self._relay.seconds_to_next(BREATH)
        if seconds > 0:
            await asyncio.sleep(seconds)
        else:
            await self._relay.promote()

    async def _sweep(self) -> None:
        await asyncio.sleep(SWEEP_SECONDS)
        await sweep(self.consumer.store, self.broker.taken())

    async def _measure(self) -> None:
        await measure(self.consumer.store, self.broker.taken())
        await asyncio.sleep(MEASURE_SECONDS)

    async def _call_all(self, claims: Iterable[Claimed]) -> None:
        """Call out for each claim in a task of its own, a bounded number at a time; waits for a free place only."""
        for claimed in claims:
            await self._slots.acquire()
            key = (claimed.held.handler, claimed.held.envelope.id)
            if key in self._calls:
                # Its lease ran out while it waited for a place, and it was claimed and called for once more.
                self._slots.release()
                continue
            task = self._calls[key] = asyncio.create_task(self._call(claimed))
            task.add_done_callback(partial(self._called, key))

    def _called(self, key: tuple[str, str], _: asyncio.Task[None]) -> None:
        self._slots.release()
        del self._calls[key]

    async def _call(self, claimed: Claimed) -> None:
        service, held = self.consumer.store.service, claimed.held
        call = self.consumer.handlers[held.handler].call
        if call is None:
            return
        crash_point(service, "call.before")
        try:
            with telemetry.consumer_span(service, held.handler, held.envelope) as span:
                outside = Outside(f"{held.envelope.id}/{held.handler}", span.context, self.backends)
                answer = await asyncio.wait_for(call.make(outside, claimed.request), CALL_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is kept with the event and counted
            await self._until_stored(partial(self.consumer.give_back, claimed, error))
            return
        crash_point(service, "call.after")
        await self._until_stored(partial(self.consumer.settle, claimed, answer))

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Store an outcome; while the storage refuses, hold on to it rather than make the call again."""
        while True:
            try:
                return await store()
            except Unavailable as error:
                _log.warning("an outcome waits for the storage", reason=str(error))
                await asyncio.sleep(BREATH)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step for as long as the service runs; a fault is told and waited out, never the end of a loop."""
        while True:
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - logged; a loop that ended would lose what it carries
                if isinstance(error, Unavailable | StorageFault):
                    _log.warning("the storage refuses; trying again", reason=str(error))
                else:
                    _log.exception("a loop failed; trying again")
                await asyncio.sleep(BREATH)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
