"""The addresses of people and academies: what may be sent, and what is answered."""

from typing import Any

import pytest

from aulario.contracts.identity import Role
from tests.platform import PASSWORD, Academy, World, done, problem

PERSON = {"email": "petra@north.example", "name": "Petra", "roles": ["student"], "password": PASSWORD}
ACADEMY = {"slug": "west", "name": "West", "admin": {"email": "w@west.example", "name": "W", "password": PASSWORD}}


async def test_a_person_is_shown_without_what_is_secret(academy: Academy) -> None:
    """No reply holds a password, a hash or a tenant."""
    user_id = await academy.add("sven", password=PASSWORD)
    shown = done(await academy.admin.get(f"/api/users/{user_id}"))
    assert set(shown) == {"id", "email", "name", "roles", "created_at"}
    assert shown in await academy.listed("/api/users")


async def test_people_see_themselves_and_administrators_all(academy: Academy) -> None:
    """Somebody else is not there, for teachers and operators too."""
    student = academy.people[Role.STUDENT]
    for role in Role:
        own = academy.people[role]
        assert done(await academy.client(role).get(f"/api/users/{own}"))["id"] == own
        answer = await academy.client(role).get(f"/api/users/{student}")
        assert answer.status_code == (200 if role in {Role.STUDENT, Role.ADMIN} else 404)


async def test_an_address_is_taken_once(academy: Academy) -> None:
    """Whatever case it is written in, and only in its own academy."""
    await academy.add("tilda")
    for email in ("tilda@north.example", "Tilda@NORTH.example"):
        body = PERSON | {"email": email}
        problem(await academy.admin.post("/api/users", json=body), 409, "conflict")
    other = await academy.world.open_academy("east")
    done(await other.admin.post("/api/users", json=PERSON | {"email": "tilda@north.example"}), 201)


def brief(change: dict[str, Any]) -> str:
    return ascii(change)[:50]


WRONG: list[dict[str, Any]] = [
    {"email": "no address"},
    {"email": "a@b@c.example"},
    {"email": "a\n@north.example"},
    {"email": "a@north.example\r\nBcc: b@c.example"},
    {"email": "a@north.example, b@north.example"},
    {"email": ["a@north.example", "b@north.example"]},
    {"email": f"{'a' * 250}@north.example"},
    {"email": None},
    {"name": ""},
    {"name": "\t"},
    {"name": "n" * 201},
    {"name": "P\x00etra"},
    {"name": "P\netra"},
    {"name": "\x1b]0;owned\x07"},
    {"name": {"first": "Petra"}},
    {"roles": ["operator"]},
    {"roles": ["student", "operator"]},
    {"roles": ["root"]},
    {"roles": []},
    {"roles": "admin"},
    {"roles": ["student"] * 5},
    {"tenant_id": "another"},
    {"tenant": "another"},
    {"id": "mine"},
    {"user_id": "mine"},
    {"password_hash": "$argon2id$"},
    {"created_at": "2020-01-01T00:00:00Z"},
    {"is_admin": True},
    {"password": "short"},
    {"password": "password1234"},
    {"password": "petra-petra"},
    {"password": "p" * 257},
    {"password": 12345678901},
]


@pytest.mark.parametrize("change", WRONG, ids=brief)
async def test_what_is_no_person_is_refused(academy: Academy, change: dict[str, Any]) -> None:
    """Forms of addresses, sizes, control characters, weak passwords, and fields nobody may set."""
    before = await academy.listed("/api/users")
    body = problem(await academy.admin.post("/api/users", json=PERSON | change), 422, "unprocessable")
    assert PASSWORD not in str(body)
    assert await academy.listed("/api/users") == before


@pytest.mark.parametrize("change", [c for c in WRONG if "roles" not in c], ids=brief)
async def test_nobody_registers_as_more_than_a_student(world: World, academy: Academy, change: dict[str, Any]) -> None:
    """The same holds for those who add themselves, who name no roles at all."""
    before = await academy.listed("/api/users")
    body = {name: PERSON[name] for name in ("email", "name", "password")} | {"academy": "north"} | change
    for sent in (body, body | {"roles": ["admin"]}):
        problem(await world.client().post("/api/auth/register", json=sent), 422, "unprocessable")
    assert await academy.listed("/api/users") == before


async def test_who_registers_is_a_student_and_can_sign_in(world: World, academy: Academy) -> None:
    """A person adds themselves, is a student, and is in the welcome course soon."""
    body = {"academy": "north", "email": "Rosa@north.example", "name": "Rosa", "password": PASSWORD}
    done(await world.client().post("/api/auth/register", json=body), 202)
    user = (await world.sign_in("north", "rosa@north.example"))["user"]
    assert user["roles"] == ["student"]
    await academy.enrolled(user["id"])


async def test_registering_tells_nobody_who_is_there(world: World, academy: Academy) -> None:
    """A taken address, a free one and an unknown academy get the same answer, and nobody's password changes."""
    asked = [("north", "admin@north.example"), ("north", "free@north.example"), ("nowhere", "free@north.example")]
    before = len(await academy.listed("/api/users"))
    answers = []
    for slug, email in asked:
        body = {"academy": slug, "email": email, "name": "X", "password": "entirely different words"}
        answers.append(done(await world.client().post("/api/auth/register", json=body), 202))
    assert answers[0] == answers[1] == answers[2]
    assert len(await academy.listed("/api/users")) == before + 1
    await world.sign_in("north", "admin@north.example")


async def test_the_same_key_opens_one_academy(world: World) -> None:
    """A repeated request gets the first one's answer, though each would have opened an academy of its own."""
    admin = {"email": "ada@twice.example", "name": "Ada", "password": "seven lamps behind the harbour"}
    operator = world.operator()
    headers = {"idempotency-key": "twice"}
    body = {"slug": "twice", "name": "Twice", "admin": admin}
    first, second = [await operator.post("/api/tenants", json=body, headers=headers) for _ in range(2)]
    assert done(first, 201) == done(second, 201)


async def test_an_academy_is_opened_with_its_administrator(world: World) -> None:
    """It is listed for operators, and its administrator can sign in at once."""
    made = done(await world.operator().post("/api/tenants", json=ACADEMY), 201)
    assert made in done(await world.operator().get("/api/tenants"))["items"]
    assert (await world.sign_in("west", "w@west.example"))["user"]["roles"] == ["admin"]
    problem(await world.operator().post("/api/tenants", json=ACADEMY), 409, "conflict")


WRONG_ACADEMIES: list[dict[str, Any]] = [
    {"slug": "Capital"},
    {"slug": "-dash"},
    {"slug": "a" * 41},
    {"slug": "../up"},
    {"slug": ""},
    {"name": ""},
    {"language": "xx"},
    {"currency": "euro"},
    {"id": "mine"},
    {"tenant_id": "mine"},
    {"admin": {**PERSON, "roles": ["operator"]}},
    {"admin": {"email": "w@west.example", "name": "W", "password": "password"}},
    {"admin": {"email": "w@west.example", "name": "W"}},
    {"admin": None},
]


@pytest.mark.parametrize("change", WRONG_ACADEMIES, ids=brief)
async def test_what_is_no_academy_is_refused(world: World, change: dict[str, Any]) -> None:
    """Nothing is made of a wrong request, not even half."""
    body = ACADEMY | {"slug": "fresh"} | change
    problem(await world.operator().post("/api/tenants", json=body), 422, "unprocessable")
    assert world.rows("identity", "SELECT 1 FROM tenants WHERE slug IN ('fresh', ?)", str(body["slug"])) == []


async def test_the_published_keys_are_public_and_only_that(world: World) -> None:
    """What verifies tokens is there for everybody, without what signs them."""
    keys = done(await world.client().get("/.well-known/jwks.json"))["keys"]
    assert keys
    for key in keys:
        assert {"kty", "crv", "x", "kid"} <= set(key)
        assert not {"d", "p", "q", "k"} & set(key)
