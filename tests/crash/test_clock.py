"""A clock that leaps an hour forward and back (F21): no second call, no second event, no burst."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from aulario.app import Platform
from aulario.backends.payments import Charge, Charged, PaymentGateway
from aulario.backends.payments.simulated import SimulatedGateway
from aulario.kit.clock import ManualClock
from tests.crash.diary import TENANT, diary, write
from tests.crash.installation import Installation, calling
from tests.crash.invariants import violations
from tests.crash.test_diary import books
from tests.crash.traffic import Crowd
from tests.crash.waiting import until

HOUR = timedelta(hours=1)


class SlowGateway(PaymentGateway):
    """Keeps whoever asks waiting until it is told to answer."""

    name = "simulated"

    def __init__(self, inner: PaymentGateway) -> None:
        self._inner, self.calls, self.answering = inner, 0, asyncio.Event()

    async def charge(self, charge: Charge, key: str) -> Charged:
        self.calls += 1
        await self.answering.wait()
        return await self._inner.charge(charge, key)


async def test_leases_outlive_a_leap(installation: Installation, crowd: Crowd) -> None:
    """F21: a process that still waits for an answer does not ask again because the clock says its lease ran out."""
    clock = ManualClock(datetime.now(UTC))
    gateway = SlowGateway(SimulatedGateway(journal=installation.journal))
    platform = Platform(installation.settings(), clock=clock, backends={PaymentGateway: gateway})
    async with platform, calling(platform) as client:
        await crowd.add(client, installation.academies[0], "sam@academy.example")
        await until(lambda: gateway.calls, "the gateway is asked")
        payments = platform.consumers["payments"]
        looks, look = [0], payments.due

        async def counted(calling: set[tuple[str, str]]) -> object:
            looks[0] += 1
            return await look(calling)

        def has_looked(often: int) -> bool:
            return looks[0] >= often

        payments.due = counted  # type: ignore[method-assign, assignment]  # counts, and does the same
        for step, seen in ((HOUR, 2), (-2 * HOUR, 4), (HOUR, 6)):
            clock.advance(step)
            payments.kept.ring()
            await until(partial(has_looked, seen), "it has looked again")
        assert gateway.calls == 1
        gateway.answering.set()
        await installation.quiet()
    assert gateway.calls == 1
    assert violations(installation, crowd.ledger) == []


async def test_due_events_outlive_a_leap(shelf: Installation) -> None:
    """F21: what falls due by a leap happens once, all in order, and a clock set back repeats none of it."""
    clock = ManualClock(datetime.now(UTC))
    async with Platform(shelf.settings(), [diary], clock) as platform:
        store = platform.stores["courses"]
        for _ in range(5):
            await store.work(TENANT, write, "book", HOUR / 2)
            clock.advance(timedelta(seconds=1))
        clock.advance(HOUR)
        await shelf.quiet()
        assert books(shelf, "readings") == {"book": [1, 2, 3, 4, 5]}

        clock.advance(-HOUR)
        await store.work(TENANT, write, "book", HOUR / 2)
        clock.advance(HOUR)
        await shelf.quiet()
    assert books(shelf, "readings") == {"book": [1, 2, 3, 4, 5, 6]}
