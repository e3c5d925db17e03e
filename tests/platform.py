"""A running platform with academies and their people: what the tests of routes, flows and security play on."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx

from aulario.app import Platform
from aulario.backends.payments import Charge, Charged, PaymentGateway
from aulario.backends.payments.simulated import SimulatedGateway
from aulario.contracts.identity import Role
from aulario.core.auth import Tokens
from aulario.core.context import Context
from aulario.kit.ids import uuid7
from aulario.services.identity import actions as identity
from aulario.services.identity.actions import NewUser
from aulario.settings import Settings

T = TypeVar("T")

PASSWORD = "seven lamps behind the harbour"
STRANGER = "203.0.113.9"
"""An address no trusted network holds (RFC 5737)."""
PATIENCE = 20
"""Seconds until what must come by itself is called missing."""


class RunningClock:
    """The time of day, with a lead that a test may give it."""

    def __init__(self) -> None:
        self._lead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._lead

    def advance(self, step: timedelta) -> None:
        self._lead += step


class Gateway(PaymentGateway):
    """The simulated gateway, told by a test whether it accepts; while the file `outage` exists it is down."""

    name = "simulated"

    def __init__(self, outage: Path) -> None:
        self.accepts, self.outage = True, outage
        self.charged: dict[str, list[Charge]] = {}
        """What was taken or refused, by key: one key is one charge."""

    async def charge(self, charge: Charge, key: str) -> Charged:
        answer = await SimulatedGateway(100 if self.accepts else 0, outage=self.outage).charge(charge, key)
        self.charged.setdefault(key, []).append(charge)
        return answer


@dataclass
class Academy:
    """One client company: a client and an id for each role in it, and its administrator's view."""

    world: "World"
    slug: str
    tenant: str
    people: dict[Role, str] = field(default_factory=dict)

    def client(self, role: Role, **options: Any) -> httpx.AsyncClient:
        """Give a client that is signed in as the person of a role."""
        return self.world.client(self.token(role), **options)

    def token(self, role: Role) -> str:
        return self.world.tokens.access(self.people[role], self.tenant, [role], uuid7())[0]

    def as_person(self, user_id: str) -> httpx.AsyncClient:
        return self.world.client(self.world.tokens.access(user_id, self.tenant, [Role.STUDENT], uuid7())[0])

    @property
    def admin(self) -> httpx.AsyncClient:
        return self.client(Role.ADMIN)

    async def add(self, name: str, role: Role = Role.STUDENT, **more: Any) -> str:
        """Add a person; gives their id."""
        body = {"email": f"{name}@{self.slug}.example", "name": name, "roles": [role], **more}
        return str(done(await self.admin.post("/api/users", json=body), 201)["id"])

    async def listed(self, path: str, **params: Any) -> list[Any]:
        """Give all of a list, as the administrator sees it."""
        found: list[Any] = []
        while True:
            page = done(await self.admin.get(path, params={"limit": 100, **params}))
            found += page["items"]
            if page["next"] is None:
                return found
            params["cursor"] = page["next"]

    async def order(self, user_id: str, status: str) -> Any:
        """Wait until a person has a welcome order in a state, and give it."""

        async def found() -> Any:
            orders = await self.listed("/api/orders", user_id=user_id)
            return orders[0] if orders and orders[0]["status"] == status else None

        return await self.world.until(found)

    async def enrolled(self, user_id: str) -> Any:
        """Wait until a person takes part in a course, and give their place."""
        return (await self.world.until(lambda: self.listed("/api/enrolments", user_id=user_id)))[0]

    async def story(self, order_id: str, language: str = "en") -> Any:
        answer = await self.admin.get(f"/api/orders/{order_id}/story", headers={"accept-language": language})
        return done(answer)


@dataclass
class World:
    """The platform under test, and what a test may set: the clock and the gateway."""

    platform: Platform
    clock: RunningClock
    gateway: Gateway

    def __post_init__(self) -> None:
        self._ear = self.platform.stores["courses"].committed.listen()

    @property
    def tokens(self) -> Tokens:
        tokens: Tokens = self.platform.api.state.sites["identity"].tokens
        return tokens

    def client(self, token: str = "", peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """Give a client in this process that comes from an address, with a token or without."""
        given = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.platform.web, client=(peer, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://academy.example", headers=given | headers)

    def operator(self) -> httpx.AsyncClient:
        return self.client(self.tokens.access(uuid7(), uuid7(), [Role.OPERATOR], uuid7())[0])

    async def open_academy(self, slug: str, **more: str) -> Academy:
        """Open an academy with one person of each role, and wait until all of them are in the welcome course."""
        admin = {"email": f"admin@{slug}.example", "name": "Ada", "password": PASSWORD}
        body = {"slug": slug, "name": f"{slug.title()} Academy", "admin": admin, **more}
        academy = Academy(self, slug, done(await self.operator().post("/api/tenants", json=body), 201)["id"])
        signed_in = await self.sign_in(slug, admin["email"])
        academy.people[Role.ADMIN] = signed_in["user"]["id"]
        for role in (Role.STUDENT, Role.TEACHER, Role.ORGANIZER):
            academy.people[role] = await academy.add(role.value, role)
        academy.people[Role.OPERATOR] = await self._add_operator(academy)
        for user_id in academy.people.values():
            await academy.enrolled(user_id)
        return academy

    async def sign_in(self, slug: str, email: str, password: str = PASSWORD) -> Any:
        body = {"academy": slug, "email": email, "password": password}
        return done(await self.client().post("/api/auth/login", json=body))

    async def until(self, happened: Callable[[], Awaitable[T]]) -> T:
        """Wait for what comes by itself, looking again after each commit; gives what was found."""
        with anyio.fail_after(PATIENCE):
            while not (found := await happened()):
                await self._ear.wait(0.1)
            return found

    def rows(self, service: str, statement: str, *parameters: object) -> list[Any]:
        """Look into a service's database from outside, as an operator would."""
        path = self.platform.settings.data / f"{service}.db"
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(statement, parameters).fetchall()

    async def _add_operator(self, academy: Academy) -> str:
        """No academy can make an operator, so the installation's own hand does."""
        context = Context.root(tenant=academy.tenant)
        new = NewUser(f"operator@{academy.slug}.example", "Olive", (Role.OPERATOR,), None)
        return (await self.platform.stores["identity"].work(context, identity.create_user, new)).id


@asynccontextmanager
async def running(data: Path, **settings: Any) -> AsyncIterator[World]:
    """Run a platform in a folder, its attempts unthrottled and its commits not waiting for the disk."""
    easy = {"durability": "normal", "account_rate": "10000/minute", "address_rate": "10000/minute"}
    clock, gateway = RunningClock(), Gateway(data / "outage")
    given: dict[type, Any] = {PaymentGateway: gateway}
    async with Platform(Settings(data=data, **{**easy, **settings}), clock=clock, backends=given) as platform:
        yield World(platform, clock, gateway)


def done(response: httpx.Response, status: int = 200) -> Any:
    """Give the body of an answer that has the status which was expected."""
    assert response.status_code == status, response.text
    return response.json() if response.content else None


def problem(response: httpx.Response, status: int, slug: str) -> Any:
    """Give the members of an answer that refuses, in the form every refusal has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
    assert body["request_id"] == response.headers["x-request-id"]
    return body
