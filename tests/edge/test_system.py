"""The platform's own addresses: health and figures."""

import re
from pathlib import Path

from aulario.kit.ids import uuid7
from tests.platform import STRANGER, Academy, World, done, problem, running

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def test_a_running_platform_lives_and_is_ready(world: World) -> None:
    """Anybody may ask; each service answers for itself."""
    client = world.client(peer=STRANGER)
    assert done(await client.get("/health/live")) == {"status": "alive"}
    ready = done(await client.get("/health/ready"))
    assert ready == {"status": "ready", "identity": "ready", "courses": "ready", "orders": "ready", "payments": "ready"}


async def test_a_draining_platform_lives_and_takes_no_more(tmp_path: Path) -> None:
    """Who balances the load sends elsewhere, while what is under way is still served."""
    async with running(tmp_path) as world:
        world.platform.drain()
        answer = await world.client().get("/health/ready")
        assert "draining" in problem(answer, 503, "unavailable")["detail"]
        assert int(answer.headers["retry-after"]) >= 1
        done(await world.client().get("/health/live"))
        done(await world.operator().get("/api/tenants"))


async def test_a_platform_that_has_a_fault_says_which(tmp_path: Path) -> None:
    """A part that cannot serve makes the whole not ready, by name."""

    async def ill() -> str:
        return "the disk is full"

    async with running(tmp_path) as world:
        world.platform.health.checks["orders"] = ill
        body = problem(await world.client().get("/health/ready"), 503, "unavailable")
        assert body["parts"] == {"orders": "the disk is full"}
        done(await world.client().get("/health/live"))


async def test_figures_are_for_our_own_networks(world: World) -> None:
    """Others are refused, signed in or not."""
    problem(await world.client(peer=STRANGER).get("/metrics"), 403, "forbidden")
    answer = await world.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "aulario_http_request_seconds_count" in answer.text


async def test_figures_grow_by_routes_and_not_by_requests(world: World, academy: Academy) -> None:
    """After many requests of many ids, strange paths and methods, no label holds what a client wrote."""
    await _wander(world, academy, 3)
    before = _series((await world.client().get("/metrics")).text)
    await _wander(world, academy, 30)
    text = (await world.client().get("/metrics")).text
    assert _series(text) == before
    assert UUID.search(text) is None
    assert "BREW" not in text
    assert academy.slug not in text


async def _wander(world: World, academy: Academy, count: int) -> None:
    for _ in range(count):
        for path in ("/api/users/", "/api/orders/", "/nowhere/", "/api/courses/"):
            await academy.admin.get(path + uuid7())
            await world.client(**{"x-request-id": uuid7()}).request("BREW", path + uuid7())


def _series(text: str) -> set[str]:
    """Give the names and labels of what is counted, without the figures."""
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
