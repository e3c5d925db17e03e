"""Routes say who may call them, before anything else is looked at; and bodies cannot cost more than they weigh."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aulario.backends.secrets.file import FileSecrets
from aulario.contracts.identity import Role
from aulario.core.asking import Asking
from aulario.core.auth import Tokens
from aulario.core.endpoints import Body, Working
from aulario.core.idempotency import Pepper
from aulario.core.keys import KeyRing
from aulario.core.routing import MAX_DEPTH, PUBLIC, SIGNED_IN, Routes, Site, only, service_only
from aulario.core.unit_of_work import Store
from aulario.edge import problems
from aulario.kit.clock import ManualClock
from tests.core.sample import texts


class Wanted(Body):
    anything: Any = None


def routes() -> Routes:
    made = Routes("writer")

    async def read(work: Working) -> list[str]:
        return [work.context.tenant, *await work.read(texts)] if work.context.tenant else []

    async def send(wanted: Wanted) -> str:
        return type(wanted.anything).__name__

    made.to("GET", "/public", PUBLIC)(read)
    made.to("GET", "/mine", SIGNED_IN)(read)
    made.to("GET", "/teachers", only(Role.TEACHER, Role.ADMIN))(read)
    made.to("GET", "/internal", service_only("reader"))(read)
    made.to("POST", "/send", PUBLIC, status=201)(send)
    made.to("POST", "/admins", only(Role.ADMIN))(send)
    return made


@pytest.fixture
async def tokens(tmp_path: Path, clock: ManualClock) -> Tokens:
    return Tokens(await KeyRing.load(FileSecrets(tmp_path / "secrets"), "keys", clock), "aulario", clock)


@pytest.fixture
async def client(store: Store, tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.router.routes.extend(routes().routes)
    problems.install(app)
    app.state.sites = {"writer": Site(store, Asking(), tokens, {}, Pepper(b"pepper"))}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def person(tokens: Tokens, *roles: Role, tenant: str = "north") -> dict[str, str]:
    return bearer(tokens.access("u1", tenant, list(roles), "s1")[0])


async def test_a_public_route_asks_for_nothing(client: httpx.AsyncClient) -> None:
    """Nobody signs in for it, and a token that is no token does not matter there."""
    assert (await client.get("/public")).status_code == 200
    assert (await client.get("/public", headers=bearer("nonsense"))).status_code == 200


async def test_other_routes_need_a_token(client: httpx.AsyncClient) -> None:
    """Without one, or with nonsense, the answer is 401 and says how to sign in."""
    for headers in ({}, bearer("nonsense"), {"authorization": "Basic dTpw"}):
        for path in ("/mine", "/teachers", "/internal"):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_person_works_in_the_tenant_of_the_token(client: httpx.AsyncClient, tokens: Tokens) -> None:
    """A header that names another tenant changes nothing."""
    headers = person(tokens, Role.STUDENT, tenant="south") | {"x-tenant": "north"}
    assert (await client.get("/mine", headers=headers)).json() == ["south"]


@pytest.mark.parametrize(("role", "status"), [(Role.STUDENT, 403), (Role.TEACHER, 200), (Role.ADMIN, 200)])
async def test_roles_decide(client: httpx.AsyncClient, tokens: Tokens, role: Role, status: int) -> None:
    """One of the roles that the route names is needed; the others are refused."""
    assert (await client.get("/teachers", headers=person(tokens, role))).status_code == status


async def test_a_route_for_services_admits_no_person(client: httpx.AsyncClient, tokens: Tokens) -> None:
    """Only the services it names, each with its own token; an administrator's is none."""
    named = bearer(tokens.service_token("reader", "writer", "north"))
    other = bearer(tokens.service_token("finance", "writer", "north"))
    elsewhere = bearer(tokens.service_token("reader", "finance", "north"))
    answers = [await client.get("/internal", headers=headers) for headers in (named, other, elsewhere)]
    assert [answer.status_code for answer in answers] == [200, 403, 401]
    assert (await client.get("/internal", headers=person(tokens, Role.ADMIN))).status_code == 401
    assert (await client.get("/mine", headers=named)).status_code == 401


async def test_a_refusal_comes_before_the_body_is_read(client: httpx.AsyncClient, tokens: Tokens) -> None:
    """Who may not call does not learn what a right body would have been."""
    for headers, status in (({}, 401), (person(tokens, Role.STUDENT), 403), (person(tokens, Role.ADMIN), 400)):
        json_type = {"content-type": "application/json"}
        answer = await client.post("/admins", content="{not json", headers=headers | json_type)
        assert answer.status_code == status


def nested(levels: int) -> str:
    """Write a body of so many levels, the object around it among them."""
    return '{"anything":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(MAX_DEPTH), 201),
        (nested(MAX_DEPTH + 1), 400),
        (nested(50_000), 400),
        (json.dumps({"anything": "[{" * 500}), 201),
        (json.dumps({"anything": '\\"[{' * 500}), 201),
        (json.dumps({"anything": [[[]]] * 200}), 201),
    ],
)
async def test_nesting_is_capped(client: httpx.AsyncClient, body: str, status: int) -> None:
    """More than 32 levels are refused before they are parsed; brackets in words, or side by side, do not count."""
    answer = await client.post("/send", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status


async def test_a_body_has_no_field_that_nobody_asked_for(client: httpx.AsyncClient) -> None:
    """Mass assignment is refused, and the value sent is not echoed."""
    answer = await client.post("/send", json={"tenant_id": "hunter2"})
    assert answer.status_code == 422
    assert "tenant_id" in answer.text
    assert "hunter2" not in answer.text


def test_a_route_that_does_not_say_who_may_call_cannot_be_declared() -> None:
    """Neither by leaving it out nor by the framework's own way around it."""
    made = Routes("writer")
    with pytest.raises(TypeError, match="access"):
        made.to("GET", "/open")  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="who may call it"):
        made.get("/open")
    assert made.routes == []


def test_the_description_says_who_may_call() -> None:
    """Every operation of the API description carries its access, so that a table of all can be made."""
    app = FastAPI()
    app.router.routes.extend(routes().routes)
    operations = {path: list(item.values()) for path, item in app.openapi()["paths"].items()}
    assert operations["/public"][0]["x-access"] == "anybody"
    assert operations["/teachers"][0]["x-access"] == "teacher, admin"
    assert operations["/internal"][0]["x-access"] == "service reader"
