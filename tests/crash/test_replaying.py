"""Dead letters in numbers, replayed by an administrator's command beside the running platform (F19, F20)."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from aulario.app import Platform
from aulario.contracts.identity import Role
from aulario.core.context import Context
from aulario.core.retrying import Pauses, Policy
from aulario.kit.ids import uuid7
from aulario.services.identity.actions import NewUser, create_user
from tests.crash.installation import Academy, Installation
from tests.crash.invariants import violations
from tests.crash.test_faults import MEND, REFUSE
from tests.crash.traffic import Attempt, Crowd

LETTERS = 1000
REPLAY = ("-m", "aulario", "events", "replay", "--all", "--yes")
AGED = "UPDATE inbox SET expires = 1 WHERE event_id = (SELECT min(event_id) FROM inbox WHERE status = 'dead')"
HALF = "unicode(substr(NEW.user_id, -1)) % 2"


async def replay(installation: Installation) -> str:
    """Run the command in a process of its own, and wait until what it revived was tried."""
    process = installation.start(command=REPLAY)
    assert await process.ended() == 0, process.output.with_suffix(".err").read_text()
    await installation.quiet()
    return " ".join(process.lines())


def dead(installation: Installation) -> Iterator[int]:
    """Give how often each dead letter has failed."""
    for (history,) in installation.rows("orders", "SELECT history FROM inbox WHERE status = 'dead'"):
        yield len(msgspec.json.decode(history))


async def fail(platform: Platform, academy: Academy, crowd: Crowd, count: int) -> None:
    """Add people whose events orders gives up at the first attempt."""
    orders = platform.consumers["orders"]
    orders.policy = Policy(attempts=1, streak=count + 1)
    orders.pauses = Pauses(orders.policy)
    crowd.installation.write("orders", REFUSE.format("orders", "1"))
    context = Context.root(uuid7(), sampled=False).in_tenant(academy.tenant)
    people = [NewUser(f"dead-{n}@academy.example", "Dee Light", (Role.STUDENT,), None) for n in range(count)]
    added = await asyncio.gather(*(platform.stores["identity"].work(context, create_user, new) for new in people))
    for user in added:
        crowd.ledger.note(Attempt(user.email, academy.tenant, user.id))
    await crowd.installation.quiet()


async def test_a_thousand_are_replayed(installation: Installation, crowd: Crowd) -> None:
    """F19: replays, half of them in vain, give each effect once; what fails again comes back with its history."""
    made = "SELECT count(*) FROM orders"
    before = installation.rows("orders", made)[0][0]
    async with installation.running() as platform:
        await fail(platform, installation.academies[0], crowd, LETTERS)
        assert list(dead(installation)) == [1] * LETTERS

        installation.write("orders", MEND, REFUSE.format("orders", HALF))
        for failures in (2, 3):
            await replay(installation)
            left = list(dead(installation))
            assert left == [failures] * len(left)
            assert 0 < len(left) < LETTERS
            assert installation.rows("orders", made)[0][0] == before + LETTERS - len(left)

        installation.write("orders", MEND)
        await replay(installation)
    assert violations(installation, crowd.ledger) == []


async def test_too_old_to_replay(installation: Installation, crowd: Crowd) -> None:
    """F20: past the time that the inbox remembers, a replay is refused, and says so."""
    async with installation.running() as platform:
        await fail(platform, installation.academies[0], crowd, 2)
        installation.write("orders", MEND, AGED)
        said = await replay(installation)
    assert "1 is refused: too old" in said
    assert list(dead(installation)) == [1]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command's lines in one piece."""
    monkeypatch.setenv("COLUMNS", "200")
