"""The addresses of courses: what is taught, and who takes part."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from aulario.contracts.identity import Role
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, done, problem

COURSE = {"title": "Bread from scratch", "description": "Flour.", "language": "es", "price": "40.00", "currency": "EUR"}


@pytest.mark.parametrize("role", [Role.TEACHER, Role.ADMIN])
async def test_who_teaches_makes_courses(academy: Academy, role: Role) -> None:
    """A course is shown to everybody as it was sent, with its author as its teacher."""
    made = done(await academy.client(role).post("/api/courses", json=COURSE), 201)
    assert {name: made[name] for name in COURSE} == COURSE
    assert (made["teacher_id"], made["welcome"]) == (academy.people[role], False)
    for reader in Role:
        assert done(await academy.client(reader).get(f"/api/courses/{made['id']}")) == made


async def test_the_same_key_makes_one_course(academy: Academy) -> None:
    """A repeated request gets the first one's answer."""
    client = academy.client(Role.TEACHER, **{"idempotency-key": "bread"})
    first, second = [await client.post("/api/courses", json=COURSE) for _ in range(2)]
    assert done(first, 201) == done(second, 201)


WRONG: list[dict[str, Any]] = [
    {"title": ""},
    {"title": "   "},
    {"title": "t" * 201},
    {"title": "a\x00b"},
    {"title": "line\nbreak"},
    {"description": "d" * 10_001},
    {"description": "\x1b[2J"},
    {"language": "xx"},
    {"language": "e\nn"},
    {"price": "-0.01"},
    {"price": "1.001"},
    {"price": "1e9"},
    {"price": "NaN"},
    {"currency": "eur"},
    {"currency": "EU\n"},
    {"welcome": True},
    {"teacher_id": "another"},
    {"tenant_id": "another"},
    {"id": "mine"},
    {"created_at": "2020-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("change", WRONG, ids=ascii)
async def test_what_is_no_course_is_refused(academy: Academy, change: dict[str, Any]) -> None:
    """Sizes, forms, control characters, and fields that are not for the sender to set."""
    before = len(await academy.listed("/api/courses"))
    problem(await academy.admin.post("/api/courses", json=COURSE | change), 422, "unprocessable")
    assert len(await academy.listed("/api/courses")) == before


async def test_a_description_has_lines(academy: Academy) -> None:
    """Paragraphs and tabs are text, not control."""
    body = COURSE | {"description": "One.\n\n\tTwo."}
    assert done(await academy.admin.post("/api/courses", json=body), 201)["description"] == body["description"]


async def test_money_is_exact(academy: Academy) -> None:
    """A price comes back as the decimal it was, never as a float."""
    for price in ("0.10", "999999.99", "1000000", "0"):
        made = done(await academy.admin.post("/api/courses", json=COURSE | {"price": price}), 201)
        assert Decimal(made["price"]) == Decimal(price)


async def test_a_welcome_course_must_exist(academy: Academy) -> None:
    """Choosing what is not there changes nothing."""
    before = [course["id"] for course in await academy.listed("/api/courses") if course["welcome"]]
    unknown = await academy.admin.put("/api/courses/welcome", json={"course_id": uuid7()})
    problem(unknown, 404, "not-found")
    assert [course["id"] for course in await academy.listed("/api/courses") if course["welcome"]] == before


async def test_enrolments_are_shown_to_their_owner_and_to_who_teaches(academy: Academy) -> None:
    """Students and organizers see their own place whatever they ask for; teachers and administrators any."""
    student, teacher = academy.people[Role.STUDENT], academy.people[Role.TEACHER]
    for role in (Role.STUDENT, Role.ORGANIZER):
        for params in ({}, {"user_id": teacher}):
            mine = done(await academy.client(role).get("/api/enrolments", params=params))["items"]
            assert {place["user_id"] for place in mine} == {academy.people[role]}
    for role in (Role.TEACHER, Role.ADMIN):
        theirs = done(await academy.client(role).get("/api/enrolments", params={"user_id": student}))["items"]
        assert {place["user_id"] for place in theirs} == {student}


@pytest.mark.parametrize(("language", "title"), [("en", "Welcome"), ("es", "Bienvenida")])
async def test_a_new_academy_has_a_welcome_course_in_its_language(world: World, language: str, title: str) -> None:
    """It is there before anybody asks, once, in the academy's currency."""
    academy = await world.open_academy(f"new-{language}", language=language, currency="USD")
    (course,) = await academy.listed("/api/courses")
    assert (course["title"], course["currency"], course["welcome"]) == (title, "USD", True)
    assert f"New-{language.title()} Academy" in course["description"]


async def test_the_newest_choice_counts_whatever_the_clock_did(world: World, academy: Academy) -> None:
    """Chosen after the clock was set back, another welcome course is still the one that new people are given."""
    courses = [done(await academy.admin.post("/api/courses", json=COURSE), 201)["id"] for _ in range(2)]
    done(await academy.admin.put("/api/courses/welcome", json={"course_id": courses[0]}))
    world.clock.advance(timedelta(hours=-1))
    done(await academy.admin.put("/api/courses/welcome", json={"course_id": courses[1]}))
    world.clock.advance(timedelta(hours=1))

    async def known() -> bool | None:
        query = "SELECT course_id FROM offers WHERE welcome AND tenant_id = ?"
        rows = await world.platform.stores["orders"].database.read(
            lambda transaction: transaction.run(query, (academy.tenant,)).fetchall()
        )
        return rows == [(courses[1],)] or None

    await world.until(known)
