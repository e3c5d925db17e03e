"""`POST /api/users` and the whole welcome chain behind it: how many a second, and how long until enrolled."""

import json
import time
from typing import Any

from bench.figures import p95
from bench.platform import USERS, Platform, people, running

MANY = 3000
WARM = 300
HALF = 400
"""Users a second: half of what must be reached."""


def flood() -> dict[str, Any]:
    """Post as fast as 64 connections can, and wait for the end of the last chain."""
    with running() as platform:
        _warm(platform)
        before = platform.count("identity", USERS)
        cpu, begun = platform.cpu_seconds(), time.perf_counter()
        posted = platform.post_users(people(MANY))
        platform.wait_for_chains(before + MANY)
        seconds = time.perf_counter() - begun
        return {
            "posts_per_second": MANY / posted["total"],
            "post_p95_ms": p95(posted["seconds"]) * 1000,
            "chains_per_second": MANY / seconds,
            "chain_cpu_ms": (platform.cpu_seconds() - cpu) / MANY * 1000,
        }


def lag() -> dict[str, Any]:
    """Post at a steady rate, and tell how long after the reply the person was enrolled."""
    with running(simulated_rate="100") as platform:
        _warm(platform)
        return {
            "lag_p95_ms_at_10": _lag(platform, 10, 100),
            f"lag_p95_ms_at_{HALF}": _lag(platform, HALF, HALF * 4),
        }


def _lag(platform: Platform, per_second: float, number: int) -> float:
    before = platform.count("identity", USERS)
    bodies = people(number)
    posted = platform.post_users(bodies, per_second=per_second, concurrency=16)
    platform.wait_for_chains(before + number)
    replied = {json.loads(body)["email"]: at for body, at in zip(bodies, posted["replied"], strict=True)}
    emails = dict(platform.rows("identity", "SELECT id, email FROM users"))
    enrolled = platform.rows("courses", "SELECT user_id, enrolled_at / 1e6 FROM enrolments")
    lags = [at - replied[emails[user]] for user, at in enrolled if emails[user] in replied]
    assert len(lags) == number, f"{number - len(lags)} were not enrolled"
    return p95(lags) * 1000


def _warm(platform: Platform) -> None:
    platform.post_users(people(WARM))
    platform.wait_for_chains(platform.count("identity", USERS))
