"""Who may call what: every route by every role, from the description of the API."""

from typing import Any

import pytest

from aulario.contracts.identity import Role
from aulario.core.routing import PUBLIC, Access, Route
from aulario.kit.ids import uuid7
from aulario.topology import ROUTES
from tests.platform import Academy, World, problem
from tests.security.routes import filled, method, named, routes

ROLES = {"student", "teacher", "organizer", "admin", "operator"}
each_route = pytest.mark.parametrize("route", routes(), ids=named)

OPEN = {
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "GET /.well-known/jwks.json",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /",
    "GET /docs",
    "GET /docs/{asset}",
}
"""What anybody may call; a route becomes public here too, or not at all."""


def roles(access: str) -> set[str]:
    """Read an `x-access` of the description."""
    return {"anybody": ROLES, "signed in": ROLES}.get(access, set(access.split(", ")) & ROLES)


async def test_every_route_is_ours(world: World) -> None:
    """Nothing is served but routes that say who may call them, and the description of those."""
    found = {str(getattr(route, "path", route)): route for route in world.platform.api.routes}
    assert [path for path, route in found.items() if not isinstance(route, Route)] == ["/openapi.json"]
    live = {named(route) for route in world.platform.api.routes if isinstance(route, Route)}
    assert live == {named(route) for route in routes()}


@each_route
async def test_every_route_is_described(route: Route, description: dict[str, Any]) -> None:
    """It has an access, the description states it, and its prefix is in the table of public addresses."""
    assert isinstance(route.access, Access)
    operation = description["paths"][route.path][method(route).lower()]
    assert operation["x-access"] == route.access.name
    assert operation["summary"]
    # The root leads on; as a prefix it would open everything.
    table = {**ROUTES, "/": "edge"} if route.path == "/" else ROUTES
    assert any(route.path.startswith(prefix) and owner == route.service for prefix, owner in table.items())


async def test_what_is_described_is_served(description: dict[str, Any]) -> None:
    """The description names no other route."""
    told = {f"{verb.upper()} {path}" for path, verbs in description["paths"].items() for verb in verbs}
    assert told == {named(route) for route in routes()}


def test_the_open_routes_are_these() -> None:
    """Making a route public is a decision, so it is made in two places."""
    assert {named(route) for route in routes() if route.access is PUBLIC} == OPEN


@each_route
async def test_the_matrix_holds(route: Route, ours: Academy, description: dict[str, Any]) -> None:
    """Nobody gets 401, a wrong role 403, and a right one an answer of the route's own, as the description says."""
    access = description["paths"][route.path][method(route).lower()]["x-access"]
    path = filled(route, uuid7())
    if access == "anybody":
        assert (await ours.world.client().request(method(route), path)).status_code not in {401, 403}
        return
    problem(await ours.world.client().request(method(route), path), 401, "unauthorized")
    for role in Role:
        answer = await ours.client(role).request(method(route), path)
        if access.startswith("service"):
            problem(answer, 401, "unauthorized")
        elif role in roles(access):
            assert answer.status_code not in {401, 403}, role
        else:
            problem(answer, 403, "forbidden")


@each_route
async def test_a_wrong_token_is_nobody(route: Route, world: World, ours: Academy) -> None:
    """One that is broken, of another scheme or sent in another place opens nothing, and public routes stay open."""
    token = ours.token(Role.ADMIN)
    path = filled(route, uuid7())
    tries = [
        {"authorization": f"Bearer {token}x"},
        {"authorization": f"Basic {token}"},
        {"authorization": token},
        {"authorization": "Bearer"},
        {"cookie": f"access_token={token}"},
        {"x-access-token": token},
        {"x-user": ours.people[Role.ADMIN], "x-tenant": ours.tenant, "x-roles": "admin,operator"},
    ]
    for headers in tries:
        answer = await world.client(**headers).request(method(route), path, params={"access_token": token})
        assert (answer.status_code == 401) is (route.access is not PUBLIC), (headers, answer.text)


@each_route
async def test_no_other_method_is_served(route: Route, world: World, ours: Academy) -> None:
    """A method that is not declared is refused, also by the headers that ask for another."""
    declared = {method(other) for other in routes() if other.path == route.path}
    client = ours.client(Role.ADMIN, **{"x-http-method-override": "DELETE"})
    for verb in {"DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"} - declared:
        answer = await client.request(verb, filled(route, uuid7()))
        assert answer.status_code in {404, 405}, verb
    assert world.rows("identity", "SELECT count(*) FROM users WHERE tenant_id = ?", ours.tenant) == [(5,)]
