"""Every named crash point, in every service that passes it: a real SIGKILL on the spot, and then all is healed."""

import re
import signal
from pathlib import Path

import pytest

import aulario
from aulario import topology
from aulario.core.service import Service
from aulario.kit.crash import POINTS
from tests.crash.installation import Installation, calling
from tests.crash.invariants import violations
from tests.crash.traffic import Crowd

PASSAGES = 4
"""The passage at which a process dies: not the first, for the start of a service commits too."""
RELAY = {"relay.before_commit", "relay.after_commit"}
"""Passed when events fall due, which none of the services has yet: tests/crash/test_diary.py hits these."""


def passed_by(service: Service) -> set[str]:
    """Give the points a service can die at."""
    points = {"unit.before_commit", "unit.after_commit"}
    if service.handlers:
        points |= {"handler.after_effect", "inbox.after_commit"}
    if any(handler.call for handler in service.handlers):
        points |= {"call.before", "call.after"}
    return points


PLACES = [f"{service.name}/{point}" for service in topology.SERVICES for point in sorted(passed_by(service))]


@pytest.mark.parametrize("place", PLACES)
async def test_nothing_is_lost_or_doubled(place: str, installation: Installation, crowd: Crowd) -> None:
    """A platform that dies at this place heals: what it acknowledged happened once, the rest wholly or not at all."""
    process = installation.start(crash=f"{place}:{PASSAGES}")
    await crowd.post(await process.url(), count=500)
    assert await process.ended() == -signal.SIGKILL

    async with installation.running() as platform, calling(platform) as client:
        await installation.quiet()
        assert violations(installation, crowd.ledger) == []
        await crowd.ask_again(client)
        await installation.quiet()
    assert violations(installation, crowd.ledger) == []


def test_every_point_is_hit() -> None:
    """No crash point is named, or stands in the code, without a test that dies there."""
    sources = Path(aulario.__file__).parent.rglob("*.py")
    standing = {name for path in sources for name in re.findall(r'crash_point[,(][^"]*"([^"]+)"', path.read_text())}
    assert standing == set(POINTS)
    assert {place.partition("/")[2] for place in PLACES} | RELAY == set(POINTS)
