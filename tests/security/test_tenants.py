"""Two academies in one installation: to each of them the other does not exist."""

from typing import Any

import anyio
import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.core import telemetry
from aulario.core.routing import PUBLIC, Route
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, done
from tests.security.routes import body, filled, method, named, query_names, routes

LISTS = ("/api/users", "/api/orders", "/api/payments", "/api/courses", "/api/enrolments")
KEPT = {"POST /api/auth/logout"}
"""Called by none of these tests, since it ends what it is called with."""
closed = [route for route in routes() if route.access is not PUBLIC and named(route) not in KEPT]


@pytest.fixture(scope="module")
async def their_ids(theirs: Academy) -> list[str]:
    """Give an id of each kind there is in the other academy, its own id and one of its traces among them."""
    found = [(await theirs.listed(path))[0]["id"] for path in LISTS]
    telemetry.flush()
    spans = theirs.world.rows("traces", "SELECT trace_id FROM spans WHERE tenant = ? LIMIT 1", theirs.tenant)
    return [*found, theirs.tenant, spans[0][0]]


def near(known: str) -> str:
    """Give an id that does not exist, and stands beside this one in any order."""
    return known[:-1] + ("0" if known[-1] != "0" else "1")


async def answer(client: httpx.AsyncClient, route: Route, given: str, sent: Any) -> tuple[int, Any]:
    """Call a route with an id wherever it takes one; gives the status and all of the body but the request's id."""
    names = {name for name in query_names(route) if name.endswith("_id") or name == "cursor"}
    params = dict.fromkeys(names, given)
    response = await client.request(method(route), filled(route, given), params=params, json=sent)
    found = response.json() if response.content else None
    if isinstance(found, dict):
        found.pop("request_id", None)
    return response.status_code, found


def takes_ids(route: Route, description: Any) -> bool:
    if route.path == "/api/tenants":
        # An operator's own list: every academy is in it, so where it is continued from makes a difference.
        return False
    queries = {name for name in query_names(route) if name.endswith("_id") or name == "cursor"}
    return "{" in route.path or bool(queries) or "_id" in str(body(description, route))


@pytest.mark.parametrize("route", closed, ids=named)
@pytest.mark.parametrize("role", Role)
async def test_foreign_ids_are_unknown_ids(
    route: Route, role: Role, ours: Academy, their_ids: list[str], description: Any
) -> None:
    """In a path, a query, a cursor or a body: status and body are those of an id that does not exist."""
    if not takes_ids(route, description):
        return
    client = ours.client(role)
    for known in their_ids:
        theirs = await answer(client, route, known, body(description, route, every=known))
        nobodys = await answer(client, route, near(known), body(description, route, every=near(known)))
        assert theirs == nobodys, known


async def seen(academy: Academy) -> dict[str, Any]:
    """Give what each role sees of each route that reads, with the academy's own ids."""
    order = (await academy.listed("/api/orders"))[0]["id"]
    own = {"order_id": order}
    for path, name in (("/api/users", "user_id"), ("/api/courses", "course_id"), ("/api/payments", "payment_id")):
        own[name] = (await academy.listed(path))[0]["id"]
    found = {}
    for route in closed:
        if method(route) != "GET" or route.path == "/api/tenants":
            continue
        path = route.path.format_map({"trace_id": "0" * 32, **own})
        for role in Role:
            response = await academy.client(role).get(path, params={"limit": 100})
            answered = response.json()
            answered.pop("request_id", None)
            found[f"{role} {path}"] = (response.status_code, answered)
    return found


async def test_nothing_of_ours_changes_while_they_fill_up(ours: Academy, theirs: Academy) -> None:
    """Each list, count and story of one academy is the same before and after the other grows."""
    before = await seen(ours)
    people = [await theirs.add(f"guest{number}") for number in range(8)]
    course = {"title": "Astronomía", "price": "3.00", "currency": "EUR"}
    made = done(await theirs.client(Role.TEACHER).post("/api/courses", json=course), 201)
    done(await theirs.admin.put("/api/courses/welcome", json={"course_id": made["id"]}))
    for user_id in people:
        await theirs.enrolled(user_id)
    theirs.world.gateway.accepts = False
    failed = await theirs.order(await theirs.add("unlucky"), "failed")
    theirs.world.gateway.accepts = True
    done(await theirs.as_person(failed["user_id"]).post(f"/api/orders/{failed['id']}/retry"), 202)
    await theirs.enrolled(failed["user_id"])
    assert await seen(ours) == before


async def test_nothing_in_any_table_is_of_two_academies(world: World, ours: Academy, theirs: Academy) -> None:
    """Rows, events and what was made of them bear the academy of the person they are about."""
    tenants = dict(world.rows("identity", "SELECT id, tenant_id FROM users"))
    assert {ours.tenant, theirs.tenant} <= set(tenants.values())
    for service, table in (("orders", "orders"), ("payments", "payments"), ("courses", "enrolments")):
        rows = world.rows(service, f"SELECT user_id, tenant_id FROM {table}")  # noqa: S608 - the names above
        assert rows
        assert [row for row in rows if tenants[row[0]] != row[1]] == []
    for service in world.platform.stores:
        for data, tenant in world.rows(service, "SELECT data, tenant FROM outbox"):
            other = theirs.tenant if tenant == ours.tenant else ours.tenant
            assert other not in data
            assert all(tenants[user_id] == tenant for user_id in tenants if user_id in data)


@pytest.mark.parametrize("name", ["x-tenant", "x-tenant-id", "x-academy", "x-forwarded-host", "x-user", "tenant"])
async def test_no_header_beats_the_token(ours: Academy, theirs: Academy, name: str) -> None:
    """Whatever a request says of its tenant, the token's is meant."""
    expected = await ours.listed("/api/users")
    for value in (theirs.tenant, theirs.slug, theirs.people[Role.ADMIN]):
        client = ours.client(Role.ADMIN, **{name: value})
        answered = done(await client.get("/api/users", params={"limit": 100, "tenant": value, "tenant_id": value}))
        assert answered["items"] == expected


async def test_an_idempotency_key_is_its_senders(ours: Academy, theirs: Academy) -> None:
    """The same key and body of another caller, of our academy or of another, is another request."""
    body_ = {"title": "Bread", "price": "1.00", "currency": "EUR"}
    key = {"idempotency-key": uuid7()}
    senders = [ours.client(Role.ADMIN, **key), ours.client(Role.TEACHER, **key), theirs.client(Role.ADMIN, **key)]
    made = [done(await sender.post("/api/courses", json=body_), 201) for sender in senders]
    assert len({course["id"] for course in made}) == 3
    again = [done(await sender.post("/api/courses", json=body_), 201) for sender in senders]
    assert again == made


async def test_an_idempotency_key_is_its_routes(ours: Academy) -> None:
    """The same key on another route is another request."""
    client = ours.client(Role.ADMIN, **{"idempotency-key": "one"})
    course = {"title": "Bread", "price": "1.00", "currency": "EUR"}
    done(await client.post("/api/courses", json=course), 201)
    done(await client.post("/api/users", json={"email": "key@ours.example", "name": "Key"}), 201)


async def test_a_flood_in_one_academy_reaches_only_its_own(world: World, ours: Academy, theirs: Academy) -> None:
    """Many requests at once, of both academies mixed, are each answered from their own."""
    async with anyio.create_task_group() as group:
        for _ in range(20):
            for academy in (ours, theirs):
                group.start_soon(_who_am_i, academy)
    assert world.rows("identity", "SELECT count(*) FROM users WHERE tenant_id = ''") == [(0,)]


async def _who_am_i(academy: Academy) -> None:
    for role in Role:
        assert done(await academy.client(role).get("/api/users/me"))["id"] == academy.people[role]
