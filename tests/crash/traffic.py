"""Those who use the platform while it dies, and their own log of what they asked and what they were promised."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.crash.installation import Academy, Installation

CREATED = 201
CONNECTIONS = 8


class Attempt(msgspec.Struct):
    """One person who was to be added, under one Idempotency-Key; `user_id` once the platform acknowledged it."""

    email: str
    tenant: str
    user_id: str | None = None


@dataclass
class Ledger:
    """The log of attempts and acknowledgements: kept in the test's process, which nobody kills, and in a file."""

    file: Path
    attempts: dict[str, Attempt] = field(default_factory=dict)

    @property
    def acknowledged(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.user_id]

    def note(self, attempt: Attempt) -> None:
        self.attempts[attempt.email] = attempt
        with self.file.open("ab") as file:
            file.write(msgspec.json.encode(attempt) + b"\n")


@dataclass
class Crowd:
    """Connections that add people to the academies in turn, each person under a key of their own."""

    installation: Installation
    ledger: Ledger
    made: int = 0

    async def post(self, url: str, count: int, connections: int = CONNECTIONS) -> list[httpx.Response]:
        """Add people until so many were asked for or the platform is gone; gives the answers that came."""
        wanted, answers = iter(self._people(count)), list[httpx.Response]()
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            workers = (self._work(client, wanted, answers.append) for _ in range(connections))
            await asyncio.gather(*workers)
        return answers

    async def ask_again(self, client: httpx.AsyncClient) -> None:
        """Repeat what was never answered, with the keys it was asked with."""
        for attempt in list(self.ledger.attempts.values()):
            if attempt.user_id is None:
                academy = next(one for one in self.installation.academies if one.tenant == attempt.tenant)
                assert (await self.add(client, academy, attempt.email)).status_code == CREATED

    async def add(self, client: httpx.AsyncClient, academy: Academy, email: str, **more: Any) -> httpx.Response:
        """Add one person, and take down the answer."""
        self.ledger.note(Attempt(email, academy.tenant))
        headers = {**academy.headers, "Idempotency-Key": email}
        response = await client.post("/api/users", json={"email": email, "name": "Sam Hill", **more}, headers=headers)
        if response.status_code == CREATED:
            self.ledger.note(Attempt(email, academy.tenant, response.json()["id"]))
        return response

    async def _work(
        self, client: httpx.AsyncClient, wanted: Iterator[tuple[Academy, str]], answered: Callable[[Any], None]
    ) -> None:
        for academy, email in wanted:
            try:
                answered(await self.add(client, academy, email))
            except (httpx.TransportError, AttributeError):
                # The platform is gone: this attempt stays in the log without an acknowledgement. AnyIO has the second
                # error for a connection that is cut in the moment it is made, and finds no socket there.
                return

    def _people(self, count: int) -> Iterator[tuple[Academy, str]]:
        academies = self.installation.academies
        for _ in range(count):
            self.made += 1
            yield academies[self.made % len(academies)], f"person-{self.made}@academy.example"
