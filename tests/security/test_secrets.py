"""Canaries: secrets of every kind are sent everywhere, and then looked for where none may be."""

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from aulario.contracts.identity import Role
from aulario.core import logs, telemetry
from tests.platform import Academy, World, done
from tests.security.routes import bodies, filled, method, routes

CANARY = "canary7f3a"
PASSWORD = f"{CANARY} sings in the mine"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Give what is logged, by us and by every library, at the level that tells most."""
    before = logging.getLogger().handlers[:]
    stream = StringIO()
    logs.setup(stream, level="DEBUG", pretty=False)
    # The tests' own client, which is no part of the platform, logs the addresses it calls.
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)
    yield stream
    logging.getLogger().handlers[:] = before


async def send_everywhere(world: World, ours: Academy, description: Any) -> list[str]:
    """Send canaries as passwords, tokens, headers and bodies, signed in and not; give every answer's text."""
    headers = {"cookie": f"session={CANARY}", "x-api-key": CANARY, "idempotency-key": f"{CANARY}-key"}
    headers |= {"user-agent": CANARY, "x-request-id": f"{CANARY}-id", "x-aulario-poll": CANARY, "referer": CANARY}
    stranger = world.client(CANARY, peer="203.0.113.9", **headers)
    fields = ({"password": PASSWORD}, {"refresh_token": f"{CANARY}.{CANARY}.{CANARY}"})
    tries = [(route, filled(route, CANARY), None) for route in routes()]
    tries += [(route, route.path, body | field) for route, body in bodies(description) for field in fields]
    answers = [
        await client.request(method(route), path, params={"token": CANARY}, json=body)
        for client in (stranger, ours.client(Role.ADMIN, cookie=f"session={CANARY}", **{"x-api-key": CANARY}))
        for route, path, body in tries
    ]
    return [answer.text for answer in answers]


async def test_no_secret_is_found_anywhere(world: World, ours: Academy, description: Any, written: StringIO) -> None:
    """Neither in logs, databases (rows, events, inboxes, traces), metrics nor answers; a person's password least."""
    answers = await send_everywhere(world, ours, description)
    user_id = await ours.add("bird", password=PASSWORD)
    signed_in = await world.sign_in("ours", "bird@ours.example", PASSWORD)
    done(await world.client().post("/api/auth/refresh", json={"refresh_token": signed_in["refresh_token"]}))
    await ours.enrolled(user_id)
    telemetry.flush()
    answers.append((await world.client().get("/metrics")).text)
    assert [text for text in answers if CANARY in text] == []
    lines = written.getvalue()
    assert '"route"' in lines
    refresh_secret = signed_in["refresh_token"].split(".")[2]
    for secret in (CANARY, refresh_secret, signed_in["access_token"]):
        assert secret not in lines
        assert holding(world.platform.settings.data, secret) == []


async def test_a_canary_would_be_found(world: World, ours: Academy) -> None:
    """The search finds what is stored on purpose, so finding nothing means something."""
    await ours.add("wren7f3a")
    assert "identity.db" in {name.partition("-")[0] for name in holding(world.platform.settings.data, "wren7f3a")}


async def test_a_fault_tells_no_secret(world: World, ours: Academy, written: StringIO, monkeypatch: Any) -> None:
    """An exception whose words hold a password is logged without it, and the client is told a request id only."""

    def broken(*_: Any) -> None:
        message = f"password={PASSWORD.replace(' ', '-')} refused"
        raise RuntimeError(message)

    monkeypatch.setattr("aulario.services.identity.endpoints.password_weakness", broken)
    body = {"email": "x@ours.example", "name": "X", "password": PASSWORD}
    answer = await ours.admin.post("/api/users", json=body)
    assert answer.status_code == 500
    assert "RuntimeError" not in answer.text
    lines = written.getvalue()
    assert answer.json()["request_id"] in lines
    assert "RuntimeError" in lines
    assert CANARY not in lines + answer.text
    assert world.rows("identity", "SELECT 1 FROM users WHERE email = 'x@ours.example'") == []


def holding(folder: Path, secret: str) -> list[str]:
    """Give the names of the files, logs of databases included, whose bytes hold a text."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path.name for path in files if secret.encode() in path.read_bytes()]
