"""A process killed at each step between a request and its effects (F01 to F05), and messages that come again (F14)."""

import random
import re
import signal
from collections.abc import Sequence

import httpx
import pytest

from aulario.backends.broker import Subscription
from aulario.backends.broker.local import LocalBroker
from aulario.backends.database import Transaction
from aulario.contracts.event import Envelope
from tests.crash.installation import Installation, calling
from tests.crash.invariants import violations
from tests.crash.traffic import CREATED, Crowd
from tests.crash.waiting import until

REWIND = "UPDATE positions SET position = 0"
SERVICES = ("courses", "orders", "payments")


async def crash(installation: Installation, crowd: Crowd, place: str) -> None:
    """Start with a point armed, add one person after another, and see the process die of it."""
    process = installation.start(crash=place)
    await crowd.post(await process.url(), count=20, connections=1)
    assert await process.ended() == -signal.SIGKILL


async def known(client: httpx.AsyncClient) -> dict[str, float]:
    """Give how many events each handler was given again and ignored, by the figures that anybody can scrape."""
    figures = (await client.get("/metrics")).text
    found = re.findall(r'^aulario_handled_total\{handler="(\S+?)",outcome="known"\} (\S+)$', figures, re.MULTILINE)
    return {handler: float(count) for handler, count in found}


def people(installation: Installation) -> tuple[int, int]:
    """Give how many people there are, and how many events that tell of one."""
    ((users,),) = installation.rows("identity", "SELECT count(*) FROM users")
    ((events,),) = installation.rows("identity", "SELECT count(*) FROM outbox WHERE topic = 'user.created'")
    return users, events


async def test_killed_before_the_commit(installation: Installation, crowd: Crowd) -> None:
    """F01: neither row nor event is there; the same key again makes one person, and again gives the same one."""
    before, _ = people(installation)
    await crash(installation, crowd, "identity/unit.before_commit:5")
    acknowledged = len(crowd.ledger.acknowledged)
    assert people(installation) == (before + acknowledged, before + acknowledged)

    async with installation.running() as platform, calling(platform) as client:
        await crowd.ask_again(client)
        attempt = crowd.ledger.acknowledged[-1]
        academy = next(one for one in installation.academies if one.tenant == attempt.tenant)
        again = await crowd.add(client, academy, attempt.email)
        assert (again.status_code, again.json()["id"]) == (CREATED, attempt.user_id)
        await installation.quiet()
    assert people(installation) == (before + acknowledged + 1, before + acknowledged + 1)
    assert violations(installation, crowd.ledger) == []


async def test_killed_after_the_commit(installation: Installation, crowd: Crowd) -> None:
    """F02: the person and the event are there though nobody was told; after the restart the chain runs to its end."""
    before, _ = people(installation)
    await crash(installation, crowd, "identity/unit.after_commit:5")
    now = before + len(crowd.ledger.acknowledged) + 1
    assert people(installation) == (now, now)

    async with installation.running() as platform, calling(platform) as client:
        await installation.quiet()
        await crowd.ask_again(client)
    assert people(installation) == (now, now)
    assert violations(installation, crowd.ledger) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_given_again_after_the_effect(service: str, installation: Installation, crowd: Crowd) -> None:
    """F03 and F05: an event whose place was not kept comes again with its id; it is ignored, and counted."""
    process = installation.start(crash=f"{service}/inbox.after_commit:3")
    await crowd.post(await process.url(), count=200)
    await process.ended()
    taken = dict(installation.rows(service, "SELECT handler, count(*) FROM inbox GROUP BY handler"))
    installation.write(service, REWIND)

    async with installation.running() as platform, calling(platform) as client:
        await installation.quiet()
        ignored = await known(client)
    # Those that wait for a call of their own are tried again as such, not given again.
    assert {handler: ignored[handler] >= count for handler, count in taken.items()} == dict.fromkeys(taken, True)
    assert violations(installation, crowd.ledger) == []


async def test_killed_between_effect_and_commit(installation: Installation, crowd: Crowd) -> None:
    """F04: what a handler did and the mark that it did are undone together; then it is done once."""
    orders = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM inbox), count(*) FROM outbox"
    before = installation.rows("orders", orders)
    await crash(installation, crowd, "orders/handler.after_effect:1")
    assert installation.rows("orders", orders) == before

    async with installation.running():
        await installation.quiet()
    assert violations(installation, crowd.ledger) == []


class Stammer(Subscription):
    """Gives batches again, old ones too, as a broker may: each message two to five times, by a seeded chance."""

    def __init__(self, inner: Subscription, chance: random.Random) -> None:
        self._inner, self._chance = inner, chance
        self._again: list[list[Envelope]] = []
        self._seen: list[list[Envelope]] = []

    async def next(self) -> list[Envelope]:
        if self._again:
            return self._again.pop()
        batch = await self._inner.next()
        self._seen.append(batch)
        self._again = [batch] * self._chance.randint(1, 4) + self._chance.choices(self._seen, k=2)
        return batch

    def begin(self, transaction: Transaction) -> None:
        self._inner.begin(transaction)

    def keep(self, transaction: Transaction, batch: Sequence[Envelope]) -> None:
        self._inner.keep(transaction, list(batch))

    async def acknowledge(self, batch: list[Envelope]) -> None:
        if batch is self._seen[-1]:
            await self._inner.acknowledge(batch)


async def test_every_message_comes_again(
    installation: Installation, crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """F14: a broker that repeats itself changes nothing, while it runs and across restarts that begin at the start."""
    chance = random.Random(seed)

    class Stammering(LocalBroker):
        async def subscribe(self, handler: str, topic: str, position: int | None, *, from_first: bool) -> Subscription:
            return Stammer(await super().subscribe(handler, topic, position, from_first=from_first), chance)

    monkeypatch.setattr("aulario.app.LocalBroker", Stammering)
    for _ in range(3):
        async with installation.running() as platform, calling(platform) as client:
            before = await known(client)
            for number in range(40):
                email = f"again-{crowd.made + number}@academy.example"
                await crowd.add(client, installation.academies[number % 2], email)
            crowd.made += 40
            await until(installation.is_quiet, "all is taken")
            after = await known(client)
        assert after["orders.on_user_created"] > before.get("orders.on_user_created", 0)
        for service in SERVICES:
            installation.write(service, REWIND)
    async with installation.running():
        await installation.quiet()
    assert violations(installation, crowd.ledger) == []
