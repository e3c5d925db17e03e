"""Every list of every service, found in the API itself: pages, cursors and caps."""

import asyncio
from typing import Any

import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.core.routing import Route
from aulario.topology import SERVICES
from tests.platform import Academy, done, problem

COURSE = {"price": "0", "currency": "EUR"}
PEOPLE = 12


def lists() -> list[str]:
    """Give the path of each route that takes a cursor."""
    routes = [route for service in SERVICES for route in service.routes.routes if isinstance(route, Route)]
    return [route.path for route in routes if "cursor" in _query(route)]


def _query(route: Route) -> set[str]:
    found, left = set(), [route.dependant]
    while left:
        dependant = left.pop()
        found |= {field.name for field in dependant.query_params}
        left += dependant.dependencies
    return found


@pytest.fixture(scope="module")
async def full(academy: Academy) -> Academy:
    """Give an academy whose lists have several pages of three."""
    people = [await academy.add(f"guest{number}") for number in range(PEOPLE)]
    for number in range(PEOPLE):
        done(await academy.admin.post("/api/courses", json=COURSE | {"title": f"Course {number}"}), 201)
        done(await _open(academy, f"side-{number}"), 201)
    await asyncio.gather(*(academy.enrolled(user_id) for user_id in people))
    return academy


async def _open(academy: Academy, slug: str) -> Any:
    admin = {"email": "a@side.example", "name": "A", "password": "seven lamps behind the harbour"}
    return await academy.world.operator().post("/api/tenants", json={"slug": slug, "name": slug, "admin": admin})


async def page(academy: Academy, path: str, **params: Any) -> Any:
    return done(await _client(academy, path).get(path, params=params))


def _client(academy: Academy, path: str) -> httpx.AsyncClient:
    return academy.client(Role.OPERATOR if path == "/api/tenants" else Role.ADMIN)


def test_the_lists_are_found() -> None:
    """The tests below run over what there is, so there must be something."""
    assert {"/api/users", "/api/orders", "/api/payments", "/api/courses", "/api/enrolments"} <= set(lists())


@pytest.mark.parametrize("path", lists())
async def test_pages_follow_one_another(full: Academy, path: str) -> None:
    """Newest first, each item once, and the last page says that it is the last."""
    whole = await page(full, path, limit=100)
    assert whole["next"] is None
    found: list[Any] = []
    cursor: dict[str, Any] | None = {}
    while cursor is not None:
        part = await page(full, path, limit=3, **cursor)
        assert len(part["items"]) == 3 or part["next"] is None
        found += part["items"]
        cursor = {"cursor": part["next"]} if part["next"] else None
    assert found == whole["items"]
    assert len(found) >= PEOPLE
    ids = [item["id"] for item in found]
    assert ids == sorted(set(ids), reverse=True)


@pytest.mark.parametrize("path", lists())
async def test_a_cursor_stays_right_while_rows_are_added(full: Academy, path: str) -> None:
    """What comes meanwhile is before the cursor: the rest of the list is what it was, without a repeat or a gap."""
    whole = (await page(full, path, limit=100))["items"]
    first = await page(full, path, limit=3)
    added = await full.add(f"late-{path.rpartition('/')[2]}")
    done(await full.admin.post("/api/courses", json=COURSE | {"title": "Late"}), 201)
    done(await _open(full, f"late-{path.rpartition('/')[2]}"), 201)
    await full.enrolled(added)
    second = await page(full, path, limit=97, cursor=first["next"])
    assert first["items"] + second["items"] == whole
    assert (await page(full, path, limit=1))["items"] != whole[:1]


@pytest.mark.parametrize("path", lists())
@pytest.mark.parametrize("limit", ["0", "-1", "101", "1000000000000000000000", "ten", "", "1.5"])
async def test_a_page_is_capped(academy: Academy, path: str, limit: str) -> None:
    """A hundred at most, one at least, and a number."""
    problem(await _client(academy, path).get(path, params={"limit": limit}), 422, "unprocessable")


@pytest.mark.parametrize("path", lists())
async def test_a_cursor_of_nobodys_making_finds_nothing_it_should_not(full: Academy, path: str) -> None:
    """Whatever stands in it, the answer is a page of the same list or a refusal; one that is too long is refused."""
    whole = (await page(full, path, limit=100))["items"]
    for cursor in ("0", "' OR 1=1 --", "%", "\x00", "zzzz", "é"):
        for item in (await page(full, path, cursor=cursor))["items"]:
            assert item in whole
    problem(await _client(full, path).get(path, params={"cursor": "a" * 37}), 422, "unprocessable")
