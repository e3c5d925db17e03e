"""What every answer carries, what no answer tells, and whose word about a request is taken."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.core import logs, telemetry
from aulario.core.routing import Route
from aulario.kit.ids import uuid7
from tests.platform import STRANGER, Academy, World, done, problem
from tests.security.routes import filled, method, named, routes

SECURE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
ORIGIN = {"origin": "https://evil.example", "access-control-request-method": "POST"}
each_route = pytest.mark.parametrize("route", routes(), ids=named)


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """Give our log as machines read it, a line an entry."""
    before = logging.getLogger().handlers[:]
    stream = StringIO()
    logs.setup(stream, pretty=False)
    yield stream
    logging.getLogger().handlers[:] = before


def entries(lines: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def hold(answer: httpx.Response) -> None:
    """Hold that an answer has each header once, and no word of what made it or of other sites."""
    for name, value in SECURE.items():
        (found,) = answer.headers.get_list(name)
        # A page for people sets a policy of its own, which still takes nothing from elsewhere and is framed nowhere.
        page = answer.request.url.path.startswith("/docs") and name in {"content-security-policy", "cache-control"}
        assert found == value or (page and ("'none'" in found or "max-age" in found))
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert [name for name in answer.headers if name.startswith("access-control") or name in {"server", "via"}] == []
    assert "Traceback" not in answer.text


@each_route
async def test_every_answer_is_headed(route: Route, ours: Academy) -> None:
    """Refusals and successes alike; no other site is ever let in by CORS."""
    path = filled(route, uuid7())
    for client in (ours.world.client(**ORIGIN), ours.client(Role.STUDENT, **ORIGIN), ours.client(Role.ADMIN)):
        for verb in (method(route), "OPTIONS", "HEAD"):
            hold(await client.request(verb, path))
        hold(await client.request(method(route), path, content=b"{"))


async def test_what_is_not_there_is_headed(world: World) -> None:
    """An unknown address, an unknown method and a request that is too large."""
    hold(await world.client().get("/nowhere"))
    hold(await world.client().request("BREW", "/health/live"))
    hold(await world.client().post("/api/auth/login", content=b" " * 2_000_000))


async def test_a_fault_shows_a_request_id_and_nothing_else(
    ours: Academy, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that fails is a problem of the usual form; what it was is in the log under the same id."""

    def broken(*_: object) -> None:
        message = "a secret place in /srv/aulario/secret.py"
        raise RuntimeError(message)

    monkeypatch.setattr("aulario.services.courses.queries.courses", broken)
    answer = await ours.admin.get("/api/courses", headers={"accept-language": "es"})
    body = problem(answer, 500, "internal-error")
    hold(answer)
    assert set(body) == {"type", "title", "status", "detail", "request_id"}
    assert body["title"] == "Error interno"
    assert "secret place" not in answer.text
    logged = [entry for entry in entries(lines) if entry.get("request_id") == body["request_id"]]
    assert "RuntimeError" in str(logged)
    assert {"status": 500, "route": "/api/courses"}.items() <= logged[-1].items()


async def test_a_stranger_names_no_request_and_no_trace(world: World) -> None:
    """Ids are taken from trusted hops only: from others they are made here."""
    given = {"x-request-id": "given-request-id", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    found = "SELECT count(*) > 0 FROM spans WHERE trace_id = ?"
    for peer, taken in ((STRANGER, False), ("127.0.0.1", True)):
        answer = await world.client(peer=peer, **given).get("/health/live")
        telemetry.flush()
        assert (answer.headers["x-request-id"] == given["x-request-id"]) is taken
        assert world.rows("traces", found, "a" * 32) == [(taken,)]


@pytest.mark.parametrize("claim", ["127.0.0.1", "::1", "127.0.0.1, 127.0.0.1", "localhost", f"{STRANGER}, 127.0.0.1"])
async def test_a_stranger_is_a_stranger(world: World, claim: str) -> None:
    """Whatever a client claims about its address, the figures stay closed to it."""
    names = ("x-forwarded-for", "x-real-ip", "x-client-ip", "x-forwarded-host", "true-client-ip", "host")
    for name in names:
        problem(await world.client(peer=STRANGER, **{name: claim}).get("/metrics"), 403, "forbidden")
    problem(await world.client(peer=STRANGER, forwarded=f"for={claim}").get("/metrics"), 403, "forbidden")


async def test_a_proxy_vouches_for_who_is_behind_it(world: World) -> None:
    """Through a trusted hop, the last address it saw counts, and what was written before it does not."""
    for chain in (STRANGER, f"127.0.0.1, {STRANGER}", f"127.0.0.1,{STRANGER},127.0.0.1"):
        problem(await world.client(**{"x-forwarded-for": chain}).get("/metrics"), 403, "forbidden")
    assert (await world.client().get("/metrics")).status_code == 200


INJECTIONS = [
    '\nlevel=info event="signed in"',
    "\r\n{}",
    "\x1b[31mred",
    "\u2028next",
    "a" * 129,
    "short",
    '"},{"level":"error',
]


@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
async def test_nobody_writes_a_line_of_our_log(world: World, lines: StringIO, text: str) -> None:
    """A request id that is no id is not taken; a strange method, address or header stays inside its entry."""
    raw = [(b"x-request-id", text.encode()), (b"user-agent", text.encode()), (b"x-forwarded-for", text.encode())]
    request = httpx.Request("GET", "http://academy.example/health/live")
    request.headers = httpx.Headers(raw)
    answer = await world.client().send(request)
    assert answer.headers["x-request-id"] != text
    await world.client().get("/nowhere/" + text.encode("unicode_escape").decode())
    found = [entry for entry in entries(lines) if entry["logger_name"] != "httpx"]
    assert [(entry["event"], entry["route"]) for entry in found] == [("request", "/health/live"), ("request", "none")]


async def test_every_request_has_its_line(ours: Academy, lines: StringIO) -> None:
    """With the id the client was given, the route's template and the status; no address, no body."""
    answer = await ours.admin.get(f"/api/users/{ours.people[Role.STUDENT]}")
    done(answer)
    (line,) = [entry for entry in entries(lines) if entry["event"] == "request"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/users/{user_id}", 200)
    assert ours.people[Role.STUDENT] not in str(line)
