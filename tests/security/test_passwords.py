"""The paths that take a password: slowed down, and silent about who is there."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from aulario.kit import passwords
from aulario.services.identity import endpoints
from tests.platform import PASSWORD, STRANGER, World, problem, running

EMAIL = "admin@north.example"
BODIES: dict[str, dict[str, str]] = {
    "/api/auth/login": {"academy": "north", "email": EMAIL, "password": "not the right one"},
    "/api/auth/register": {"academy": "north", "email": EMAIL, "name": "Ada", "password": "not the right one"},
    "/api/auth/refresh": {"refresh_token": "tenant.sign-in.secret"},
}
each_path = pytest.mark.parametrize("path", BODIES)


@pytest.fixture
async def slow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Give a platform that lets three attempts a minute at an account, and six from an address."""
    async with running(tmp_path_factory.mktemp("slow"), account_rate="4/minute", address_rate="7/minute") as world:
        await world.open_academy("north")
        yield world


async def tried(world: World, path: str, peer: str, **headers: str) -> httpx.Response:
    return await world.client(peer=peer, **headers).post(path, json=BODIES[path])


def waits(response: httpx.Response) -> None:
    """Hold that an answer is 429, and says for how long."""
    body = problem(response, 429, "too-many-requests")
    assert 1 <= int(response.headers["retry-after"]) == body["retry_after"] <= 60


@each_path
async def test_an_account_is_tried_a_few_times_from_wherever(slow: World, path: str) -> None:
    """Each attempt from another address: the account's own limit holds, and only for that account."""
    answers = [await tried(slow, path, f"203.0.113.{number}") for number in range(8)]
    assert 2 <= [answer.status_code for answer in answers].index(429) <= 4
    waits(answers[-1])
    other = BODIES[path] | {"email": "other@north.example"} if "email" in BODIES[path] else {"refresh_token": "a.b.c"}
    elsewhere = await slow.client(peer=STRANGER).post(path, json=other)
    assert elsewhere.status_code != 429


@each_path
async def test_an_address_tries_a_few_accounts(slow: World, path: str) -> None:
    """Each attempt at another account: the address's own limit holds, and only for that address."""
    answers = []
    for number in range(9):
        email = {"email": f"guest{number}@north.example"}
        other = BODIES[path] | email if "email" in BODIES[path] else {"refresh_token": f"t.s{number}.x"}
        answers.append(await slow.client(peer=STRANGER).post(path, json=other))
    assert [answer.status_code for answer in answers].index(429) == 7
    waits(answers[-1])
    assert (await tried(slow, path, "203.0.113.77")).status_code != 429


async def test_a_forged_address_does_not_help(slow: World) -> None:
    """A stranger who writes another X-Forwarded-For with each attempt is still one address."""
    statuses = []
    for number in range(9):
        headers = {"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}"}
        body = BODIES["/api/auth/login"] | {"email": f"guest{number}@north.example"}
        client = slow.client(peer=STRANGER, forwarded=f"for=198.51.100.{number}", **headers)
        statuses.append((await client.post("/api/auth/login", json=body)).status_code)
    assert statuses == [401] * 7 + [429] * 2


async def test_a_right_password_waits_too(slow: World) -> None:
    """Whoever found it by guessing is not told so within the minute."""
    for number in range(6):
        await tried(slow, "/api/auth/login", f"203.0.113.{number}")
    body = BODIES["/api/auth/login"] | {"password": PASSWORD}
    waits(await slow.client(peer=STRANGER).post("/api/auth/login", json=body))


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each time a password is really hashed."""
    hashed: list[str] = []

    def noted(name: str, real: Any) -> Any:
        def call(*args: Any) -> Any:
            hashed.append(name)
            return real(*args)

        return call

    monkeypatch.setattr(endpoints, "verify_password", noted("verify", passwords.verify_password))
    monkeypatch.setattr(endpoints, "hash_password", noted("hash", passwords.hash_password))
    return hashed


UNKNOWN: list[dict[str, str]] = [
    {},
    {"academy": "nowhere"},
    {"email": "nobody@north.example"},
    {"academy": "nowhere", "email": "nobody@north.example"},
]


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/register"])
async def test_each_way_costs_one_hash_and_gives_one_answer(world: World, hashing: list[str], path: str) -> None:
    """Whoever is unknown is looked for as long as whoever is known: one hash each, and the same words."""
    if not world.rows("identity", "SELECT 1 FROM tenants WHERE slug = 'north'"):
        await world.open_academy("north")
    hashing.clear()
    answers = [await world.client().post(path, json=BODIES[path] | change) for change in UNKNOWN]
    assert hashing == [hashing[0]] * len(UNKNOWN)
    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert told == [told[0]] * len(UNKNOWN)
    headers = [{name for name in answer.headers if name != "x-request-id"} for answer in answers]
    assert headers == [headers[0]] * len(UNKNOWN)


def test_the_password_of_nobody_costs_what_another_does() -> None:
    """The stand-in for a missing hash has the very parameters of a real one."""
    real = passwords.hash_password(PASSWORD).split("$")
    nobody = passwords._NOBODY.split("$")  # noqa: SLF001 - it is what an unknown user is compared with
    assert real[:4] == nobody[:4]
    assert not passwords.verify_password(PASSWORD, None)
