"""Signing in, staying signed in, and signing out."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.core.context import Context
from aulario.kit.ids import uuid7
from aulario.services.identity.models import User
from tests.platform import PASSWORD, Academy, World, done, problem

EMAIL = "admin@north.example"
JSON = {"content-type": "application/json"}
LATER = timedelta(seconds=31)
"""Beyond the moment in which a used refresh token may be the repeat of a lost answer."""


@pytest.fixture
async def signed_in(academy: Academy) -> Any:
    return await academy.world.sign_in("north", EMAIL)


async def refresh(world: World, tokens: Any) -> httpx.Response:
    return await world.client().post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


async def login(world: World, **changes: str) -> httpx.Response:
    body = {"academy": "north", "email": EMAIL, "password": PASSWORD, **changes}
    return await world.client().post("/api/auth/login", json=body)


async def test_signing_in_gives_tokens_that_work(world: World, academy: Academy, signed_in: Any) -> None:
    """The access token opens the person's own addresses; the answer says who they are and for how long."""
    me = done(await world.client(signed_in["access_token"]).get("/api/users/me"))
    assert me == signed_in["user"]
    assert (me["id"], me["roles"]) == (academy.people[Role.ADMIN], ["admin"])
    assert (signed_in["token_type"], signed_in["expires_in"]) == ("Bearer", 900)
    assert "password" not in str(signed_in)


@pytest.mark.usefixtures("academy")
async def test_an_address_is_the_same_in_any_case(world: World) -> None:
    """People do not remember how they wrote it."""
    done(await login(world, email="ADMIN@North.Example"))


WRONG = [{"academy": "nowhere"}, {"email": "nobody@north.example"}, {"password": "another one entirely"}]


@pytest.mark.parametrize("change", WRONG, ids=repr)
@pytest.mark.usefixtures("academy")
async def test_nobody_learns_what_was_wrong(world: World, change: dict[str, str]) -> None:
    """An unknown academy, an unknown address and a wrong password get the same answer."""
    body = problem(await login(world, **change), 401, "unauthorized")
    assert body["detail"] == "the academy, the address or the password is wrong"


async def test_who_has_no_password_cannot_sign_in(world: World, academy: Academy) -> None:
    """Neither an empty password nor any other is right where there is none."""
    assert academy.people[Role.STUDENT]
    for password in ("", " ", "null", PASSWORD):
        problem(await login(world, email="student@north.example", password=password), 401, "unauthorized")


async def test_an_access_token_ends_after_its_minutes(world: World, signed_in: Any) -> None:
    """At the second it says, and it is refused as nothing else is."""
    client = world.client(signed_in["access_token"])
    world.clock.advance(timedelta(seconds=880))
    done(await client.get("/api/users/me"))
    world.clock.advance(timedelta(seconds=20))
    problem(await client.get("/api/users/me"), 401, "unauthorized")


async def test_a_refresh_gives_the_next_of_both(world: World, signed_in: Any) -> None:
    """The chain goes on with the newest token, whatever the time between."""
    tokens = signed_in
    for _ in range(3):
        world.clock.advance(timedelta(days=1))
        following = done(await refresh(world, tokens))
        assert following["refresh_token"] != tokens["refresh_token"]
        done(await world.client(following["access_token"]).get("/api/users/me"))
        tokens = following


async def test_a_used_refresh_token_ends_the_whole_sign_in(world: World, signed_in: Any) -> None:
    """Used again after its moment, it was stolen from somebody: neither thief nor owner goes on."""
    following = done(await refresh(world, signed_in))
    world.clock.advance(LATER)
    problem(await refresh(world, signed_in), 401, "unauthorized")
    problem(await refresh(world, following), 401, "unauthorized")


async def test_a_lost_answer_is_asked_for_again(world: World, signed_in: Any) -> None:
    """An honest client that repeats its request at once goes on with what it is given then."""
    lost = done(await refresh(world, signed_in))
    repeated = done(await refresh(world, signed_in))
    assert repeated["refresh_token"] == lost["refresh_token"]
    world.clock.advance(LATER)
    done(await refresh(world, repeated))


async def test_two_refreshes_at_once_end_nothing(world: World, signed_in: Any) -> None:
    """Two tabs that wake together are both answered, and the sign-in goes on."""
    answers = await asyncio.gather(*(refresh(world, signed_in) for _ in range(2)))
    assert len({done(answer)["refresh_token"] for answer in answers}) == 1
    done(await refresh(world, done(answers[0])))
    sign_in = signed_in["refresh_token"].split(".")[1]
    assert world.rows("identity", "SELECT ended_at FROM sign_ins WHERE id = ?", sign_in) == [(None,)]


async def test_another_sign_in_is_not_touched(world: World, signed_in: Any) -> None:
    """A family that was ended is one device; the person's others go on."""
    other = await world.sign_in("north", EMAIL)
    following = done(await refresh(world, signed_in))
    world.clock.advance(LATER)
    problem(await refresh(world, signed_in), 401, "unauthorized")
    problem(await refresh(world, following), 401, "unauthorized")
    done(await refresh(world, other))


async def test_signing_out_ends_the_sign_in(world: World, signed_in: Any) -> None:
    """Its refresh token is worth nothing any more, and doing it twice is no error."""
    client = world.client(signed_in["access_token"])
    for _ in range(2):
        answer = await client.post("/api/auth/logout")
        assert (answer.status_code, answer.content) == (204, b"")
    problem(await refresh(world, signed_in), 401, "unauthorized")


async def test_a_sign_in_ends_however_often_it_is_refreshed(world: World, signed_in: Any) -> None:
    """Thirty days after the password was given it is asked for again."""
    tokens = signed_in
    for _ in range(3):
        world.clock.advance(timedelta(days=9, hours=23))
        tokens = done(await refresh(world, tokens))
    world.clock.advance(timedelta(hours=4))
    problem(await refresh(world, tokens), 401, "unauthorized")


async def test_a_refresh_token_opens_nothing_by_itself(world: World, signed_in: Any) -> None:
    """It is no access token, and an access token refreshes nothing."""
    problem(await world.client(signed_in["refresh_token"]).get("/api/users/me"), 401, "unauthorized")
    problem(await refresh(world, {"refresh_token": signed_in["access_token"]}), 422, "unprocessable")


async def test_a_refresh_token_of_another_tenant_is_refused(world: World, signed_in: Any) -> None:
    """The tenant it names is no claim to one, and no part of it can be exchanged."""
    tenant, sign_in, secret = signed_in["refresh_token"].split(".")
    for parts in ((uuid7(), sign_in, secret), (tenant, uuid7(), secret), ("", sign_in, secret), (tenant, sign_in, "")):
        problem(await refresh(world, {"refresh_token": ".".join(parts)}), 401, "unauthorized")
    done(await refresh(world, signed_in))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "\x00.\x00.\x00", "é.é.é", "\ud800.b.c"], ids=ascii)
async def test_what_is_no_refresh_token_is_refused(world: World, token: str) -> None:
    """Whatever is sent in its place, the answer is a refusal."""
    body = json.dumps({"refresh_token": token}).encode()
    answer = await world.client(**JSON).post("/api/auth/refresh", content=body)
    assert answer.status_code in {401, 422}, answer.text


async def test_new_roles_are_in_the_next_token(world: World, academy: Academy, signed_in: Any) -> None:
    """A refreshed token says what the person is now, not what they were at sign-in."""
    store = world.platform.stores["identity"]
    context, roles = Context.root(tenant=academy.tenant), ["teacher", "admin"]
    await store.work(context, lambda uow: uow.amend(User, academy.people[Role.ADMIN], roles=roles))
    assert done(await refresh(world, signed_in))["user"]["roles"] == roles
