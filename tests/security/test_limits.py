"""What a request may weigh, how deep it may nest, and what it may not set, on every route that takes a body."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.core.routing import PUBLIC, Route
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, done, problem
from tests.security.routes import body, filled, method, named, query_names, routes

MOST = 1_048_576
JSON = {"content-type": "application/json"}
SET_BY_US = ("id", "tenant_id", "tenant", "user_id", "role", "is_admin", "password_hash", "status", "created_at")
taking = [route for route in routes() if route.body_field is not None]
each_body = pytest.mark.parametrize("route", taking, ids=named)
each_page = pytest.mark.parametrize("route", [r for r in routes() if "limit" in query_names(r)], ids=named)


def allowed(route: Route, ours: Academy, **headers: str) -> httpx.AsyncClient:
    """Give a client that may call a route."""
    if route.access.services:
        caller = min(route.access.services)
        token = ours.world.tokens.service_token(caller, route.service, ours.tenant)
    elif route.access is PUBLIC:
        token = ""
    else:
        token = ours.token(next(role for role in Role if role in (route.access.roles or Role)))
    return ours.world.client(token, **headers)


async def sent(route: Route, ours: Academy, content: Any, **headers: str) -> httpx.Response:
    client = allowed(route, ours, **(JSON | headers))
    return await client.request(method(route), filled(route, uuid7()), content=content)


async def streamed(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


@each_body
async def test_a_body_that_is_too_large_is_refused(route: Route, ours: Academy) -> None:
    """Whether its size is declared or it comes in chunks, and before it is all read."""
    problem(await sent(route, ours, b" " * (MOST + 1)), 413, "too-large")
    problem(await sent(route, ours, streamed(2 * MOST)), 413, "too-large")


@each_body
async def test_a_declared_size_is_believed_at_once(route: Route, ours: Academy) -> None:
    """Nothing is read of what is announced as too large, in however many digits."""
    read: list[str] = []

    async def untouched() -> AsyncIterator[bytes]:
        read.append("some of it")
        yield b"{}"

    for size in (str(MOST + 1), "9" * 5000):
        problem(await sent(route, ours, untouched(), **{"content-length": size}), 413, "too-large")
    assert read == []


@each_body
async def test_a_lie_about_the_size_changes_nothing(route: Route, ours: Academy) -> None:
    """What comes is counted, whatever was declared."""
    for size in ("10", "-5", "many"):
        problem(await sent(route, ours, streamed(2 * MOST), **{"content-length": size}), 413, "too-large")


@each_body
async def test_json_nests_so_deep_and_no_deeper(route: Route, ours: Academy) -> None:
    """Depth is counted, brackets in strings are not, and a hundred thousand levels are refused as 33 are."""
    for deep in (33, 100_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            refused = await sent(route, ours, opening * deep + b"1" + closing * deep)
            assert "nests deeper" in problem(refused, 400, "bad-request")["detail"]
    problem(await sent(route, ours, b"[" * 32 + b"]" * 32), 422, "unprocessable")
    problem(await sent(route, ours, json.dumps(['"[{' * 100]).encode()), 422, "unprocessable")


BROKEN = [b"{", b"nonsense", b'{"a": }', b"\xff\xfe", b'{"a": "\xff"}', b"[1", b"'a'", b"\x00", b"{}{}"]


@each_body
async def test_what_is_not_json_is_refused(route: Route, ours: Academy) -> None:
    """With 400 and one sentence, which repeats nothing of what was sent."""
    for broken in BROKEN:
        refused = problem(await sent(route, ours, broken), 400, "bad-request")
        assert "nonsense" not in str(refused)


@each_body
async def test_another_kind_of_content_is_not_read(route: Route, ours: Academy, description: Any) -> None:
    """A form, a text or nothing said: a body is JSON by its own declaration (no form of another site can send that)."""
    good = json.dumps(body(description, route, every=uuid7())).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        problem(await sent(route, ours, good, **{"content-type": kind}), 422, "unprocessable")


@each_body
@pytest.mark.parametrize("name", SET_BY_US)
async def test_no_field_is_taken_that_was_not_asked_for(
    route: Route, name: str, ours: Academy, description: Any
) -> None:
    """Mass assignment: what the service sets itself, nobody sets for it; nor is it stored to be read back."""
    made = body(description, route, every=uuid7())
    if name in made:
        return
    refused = await sent(route, ours, json.dumps(made | {name: "x"}).encode())
    places = [error["at"] for error in problem(refused, 422, "unprocessable")["errors"]]
    assert f"body.{name}" in places


@each_body
async def test_a_body_of_another_shape_is_refused(route: Route, ours: Academy) -> None:
    """Lists, numbers, words and nothing are no body of ours."""
    for other in (b"[]", b"1", b'"x"', b"null", b"true", b"[{}]", b"NaN", b""):
        problem(await sent(route, ours, other), 422, "unprocessable")


@each_page
async def test_no_list_gives_more_than_a_hundred(route: Route, ours: Academy) -> None:
    """On every route that has pages."""
    client = allowed(route, ours)
    problem(await client.get(filled(route, uuid7()), params={"limit": 101}), 422, "unprocessable")
    done(await client.get(filled(route, uuid7()), params={"limit": 100}))


async def test_headers_are_capped(world: World) -> None:
    """All of them together, and by number as by size."""
    problem(await world.client(**{"x-long": "a" * 40_000}).get("/health/live"), 413, "too-large")
    many = {f"x-{number}": "a" * 20 for number in range(2000)}
    problem(await world.client(**many).get("/health/live"), 413, "too-large")
    done(await world.client(**{"x-long": "a" * 8000}).get("/health/live"))


@pytest.mark.parametrize("key", ["", "k" * 201, "tab\tbed", "\x7f"], ids=ascii)
async def test_an_idempotency_key_has_a_form(ours: Academy, key: str) -> None:
    """One to two hundred printable characters."""
    client = ours.client(Role.ADMIN, **{"idempotency-key": key})
    answer = await client.post("/api/users", json={"email": "idem@ours.example", "name": "I"})
    problem(answer, 400, "bad-request")


@pytest.mark.parametrize("path", ["/api/users/" + "a" * 20_000, "/api/users/%00", "/api/orders/..%2f", "/api/users/"])
async def test_strange_addresses_find_nothing(ours: Academy, path: str) -> None:
    """Long, climbing, with a null in it or a slash after it: no redirect either, for the Host is anybody's."""
    problem(await ours.admin.get(path), 404, "not-found")
