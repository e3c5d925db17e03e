"""The platform killed at moments of chance while people are added, and the scene that the project promises."""

import asyncio
import random
from functools import partial

import httpx
import pytest

from tests.crash.installation import Installation, Process
from tests.crash.invariants import violations
from tests.crash.traffic import Crowd
from tests.crash.waiting import until

KILLS, EACH = 6, 400
PEOPLE = 2000
ENDS = {"student.enrolled", "order.failed"}


def progress(installation: Installation, crowd: Crowd, measure: str) -> int:
    """Tell how far the platform has come: in answers given, in charges made, or in people enrolled."""
    if measure == "answers":
        return len(crowd.ledger.acknowledged)
    if measure == "charges":
        return len(installation.charges())
    return int(installation.rows("courses", "SELECT count(*) FROM enrolments")[0][0])


def has_come(installation: Installation, crowd: Crowd, measure: str, moment: int) -> bool:
    return progress(installation, crowd, measure) >= moment


async def test_killed_at_random(installation: Installation, crowd: Crowd, seed: int) -> None:
    """F35: whatever dies when, nothing is lost, doubled, swapped or left, and asking again completes it."""
    chance = random.Random(seed)
    for _ in range(KILLS):
        process = installation.start()
        posting = asyncio.create_task(crowd.post(await process.url(), count=EACH))
        measure = chance.choice(("answers", "charges", "enrolments"))
        moment = progress(installation, crowd, measure) + chance.randrange(1, 300)
        await until(partial(has_come, installation, crowd, measure, moment), f"there are {moment} {measure}")
        await process.kill()
        await posting

    process = installation.start()
    async with httpx.AsyncClient(base_url=await process.url()) as client:
        await installation.quiet()
        assert violations(installation, crowd.ledger) == [], f"repeat it with AULARIO_TEST_SEED={seed}"
        await crowd.ask_again(client)
        await installation.quiet()
    assert violations(installation, crowd.ledger) == [], f"repeat it with AULARIO_TEST_SEED={seed}"
    assert all(attempt.user_id for attempt in crowd.ledger.attempts.values())


async def test_two_thousand_people(installation: Installation, crowd: Crowd) -> None:
    """Killed in the middle of two thousand people, then up again: the story and the events say so of each one."""
    process = installation.start()
    posting = asyncio.create_task(crowd.post(await process.url(), count=PEOPLE, connections=16))
    await until(lambda: len(crowd.ledger.acknowledged) >= PEOPLE // 2, "half of them are added")
    await process.kill()
    await posting

    process = installation.start()
    url = await process.url()
    await crowd.post(url, count=PEOPLE - len(crowd.ledger.attempts), connections=16)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await crowd.ask_again(client)
        await installation.quiet()
        assert len(crowd.ledger.acknowledged) == PEOPLE
        assert violations(installation, crowd.ledger) == []
        told = [await story(client, installation, attempt.user_id) for attempt in crowd.ledger.acknowledged[::40]]
    assert set(told) == ENDS
    await assert_listed(installation, process)


async def story(client: httpx.AsyncClient, installation: Installation, user_id: str | None) -> str:
    """Ask as an administrator why somebody is or is not in the course; gives the code of the last step."""
    ((order, tenant),) = installation.rows("orders", "SELECT id, tenant_id FROM orders WHERE user_id = ?", user_id)
    headers = next(academy.headers for academy in installation.academies if academy.tenant == tenant)
    told = (await client.get(f"/api/orders/{order}/story", headers=headers)).json()
    return str(told["steps"][-1]["code"])


async def assert_listed(installation: Installation, running: Process) -> None:
    """`aulario events` beside the running platform: no dead letter, and a person's event went through every handler."""
    assert running.code is None
    ((event,),) = installation.rows("identity", "SELECT max(id) FROM outbox WHERE topic = 'user.created'")
    for arguments, expected in ((("dead",), "no dead letter"), (("show", event), "orders.on_user_created")):
        command = installation.start(command=("-m", "aulario", "events", *arguments))
        assert await command.ended() == 0, command.output.with_suffix(".err").read_text()
        assert expected in " ".join(command.lines()).lower()


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command's lines in one piece."""
    monkeypatch.setenv("COLUMNS", "200")
