"""A stop that was asked for: what was accepted is finished, and every file is left whole."""

import asyncio
import signal

import httpx
import pytest

from aulario.core.bell import Bell
from tests.crash.installation import Installation
from tests.crash.invariants import violations
from tests.crash.traffic import CREATED, Crowd
from tests.crash.waiting import until

CONNECTIONS = 10


async def test_stopped_under_traffic(installation: Installation, crowd: Crowd) -> None:
    """F30: SIGTERM with requests in flight answers each of them, folds the logs in, and ends with success."""
    process = installation.start()
    posting = asyncio.create_task(crowd.post(await process.url(), count=100_000))
    await until(lambda: len(crowd.ledger.acknowledged) > 100, "people are there")
    process.popen.send_signal(signal.SIGTERM)
    assert await process.ended() == 0
    assert {answer.status_code for answer in await posting} == {CREATED}
    assert not list(installation.data.glob("*-wal"))
    stored = {
        email for (email,) in installation.rows("identity", "SELECT email FROM users WHERE email LIKE 'person-%'")
    }
    # Whoever is stored was told so: no connection was cut between the two.
    assert stored == {attempt.email for attempt in crowd.ledger.acknowledged}

    async with installation.running():
        await installation.quiet()
    assert violations(installation, crowd.ledger) == []


async def test_slow_requests_are_answered(installation: Installation, crowd: Crowd) -> None:
    """F30: requests that were accepted before a SIGTERM, and take their time, are answered within the grace."""
    process = installation.start()
    academy = installation.academies[0]
    async with httpx.AsyncClient(base_url=await process.url(), timeout=60) as client:
        slow = [
            asyncio.create_task(crowd.add(client, academy, f"slow-{n}@academy.example", password="four words of mine"))
            for n in range(CONNECTIONS)
        ]
        # Hashing takes long enough that all have arrived when the first is answered.
        await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
        process.popen.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*slow)
    assert [answer.status_code for answer in answers] == [CREATED] * CONNECTIONS
    assert await process.ended() == 0


@pytest.mark.parametrize("turns", range(5))
async def test_a_stop_that_meets_a_ring(turns: int) -> None:
    """A listener that is cancelled while the bell rings ends, however close the two come."""
    bell = Bell()
    listener = bell.listen()
    waiting = asyncio.create_task(listener.wait(60))
    await asyncio.sleep(0)
    bell.ring()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_over = waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() or was_over
