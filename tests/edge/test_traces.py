"""What a trace left behind, shown to whom it belongs."""

from pathlib import Path

from aulario.contracts.identity import Role
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, done, problem, running


async def test_a_trace_is_shown_to_its_own_academy(world: World, academy: Academy) -> None:
    """Administrators and operators see their academy's part of it; to another academy it is not there."""
    trace_id = uuid7().replace("-", "")
    parent = {"traceparent": f"00-{trace_id}-{'b' * 16}-01"}
    user = {"email": "tracy@north.example", "name": "Tracy"}
    done(await academy.client(Role.ADMIN, **parent).post("/api/users", json=user), 201)
    other, path = await world.open_academy("south"), f"/api/system/traces/{trace_id}"
    for role in (Role.ADMIN, Role.OPERATOR):
        spans = done(await academy.client(role).get(path))
        assert "POST /api/users" in {span["name"] for span in spans}
        assert {span["tenant"] for span in spans} == {academy.tenant}
        assert "Tracy" not in str(spans)
        problem(await other.client(role).get(path), 404, "not-found")
    for role in (Role.STUDENT, Role.TEACHER, Role.ORGANIZER):
        problem(await academy.client(role).get(path), 403, "forbidden")


async def test_without_traces_there_are_none(tmp_path: Path) -> None:
    """Where none are kept, a trace is not found, and nothing fails."""
    async with running(tmp_path, traces="off:") as world:
        academy = await world.open_academy("north")
        problem(await academy.admin.get(f"/api/system/traces/{'a' * 32}"), 404, "not-found")
