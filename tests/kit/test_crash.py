"""Crash points do nothing until they are armed, and then there is nothing left to do anything."""

import signal
import sys

import anyio
import pytest

from aulario.kit import crash
from aulario.kit.crash import POINTS, arm, crash_point

PROGRAM = """
import sys
from aulario.kit.crash import arm, crash_point
arm(sys.argv[1])
try:
    for number in range(5):
        crash_point("orders", "unit.before_commit")
        crash_point("payments", "unit.before_commit")
        print(number, flush=True)
finally:
    print("tidied up", flush=True)
"""


async def run(spec: str) -> tuple[int, str]:
    """Run a program that passes two points five times; gives how it ended and what it said."""
    found = await anyio.run_process([sys.executable, "-c", PROGRAM, spec], check=False)
    return found.returncode, found.stdout.decode()


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What is armed, forgotten after the test."""
    found: dict[str, int] = {}
    monkeypatch.setattr(crash, "_armed", found)
    return found


async def test_unarmed_points_are_passed() -> None:
    """The program runs to its end."""
    assert await run("") == (0, "0\n1\n2\n3\n4\ntidied up\n")


async def test_an_armed_point_kills_on_the_spot() -> None:
    """By SIGKILL at the passage that was asked for, with no `finally` run; other services' points are others."""
    assert await run("orders/unit.before_commit:3") == (-signal.SIGKILL, "0\n1\n")
    assert await run("payments/unit.before_commit") == (-signal.SIGKILL, "")
    assert (await run("identity/unit.before_commit:1"))[0] == 0


def test_several_points_can_be_armed(armed: dict[str, int]) -> None:
    """Comma separated, each with its own count, once when no count is given."""
    arm("orders/call.before:2,payments/call.after")
    assert armed == {"orders/call.before": 2, "payments/call.after": 1}
    crash_point("orders", "call.before")
    crash_point("orders", "call.after")
    assert armed["orders/call.before"] == 1


@pytest.mark.parametrize("spec", ["orders/no.such.point:1", "unit.before_commit", "orders"])
def test_a_point_that_does_not_exist_is_refused(armed: dict[str, int], spec: str) -> None:
    """A crash test that crashes nothing would prove nothing; the message lists what there is."""
    with pytest.raises(ValueError, match=POINTS[0]):
        arm(spec)
    assert armed == {}
