"""Where a story is played: a client of the running system whose calls all belong to one trace."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import msgspec

from aulario.backends.traces import Span
from aulario.core.context import Context
from aulario.core.errors import Problem

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds until a story that does not go on is given up."""
PACE = 0.05


class FlowError(Problem):
    """The story did not go as it should; the message says where it stopped."""


@dataclass(frozen=True)
class Login:
    """Who plays."""

    academy: str
    email: str
    password: str = field(repr=False)


class Stage:
    """One performance: `told` is called with each thing that happens, in plain words."""

    def __init__(self, client: httpx.AsyncClient, told: Callable[[str], None]) -> None:
        self._client, self.told = client, told
        self._context = Context.root(sampled=True)

    async def sign_in(self, login: Login) -> Mapping[str, str]:
        """Sign in, outside the trace; gives the headers of whoever signed in."""
        body = {"academy": login.academy, "email": login.email, "password": login.password}
        tokens = await self._send("POST", "/api/auth/login", {}, body)
        return {"authorization": f"Bearer {tokens['access_token']}"}

    async def call(self, who: Mapping[str, str], method: str, path: str, body: Any = None) -> Any:
        """Do one step of the story, within its trace; raises FlowError with the problem that was answered."""
        return await self._send(method, path, {**who, "traceparent": self._context.traceparent}, body)

    async def until(self, who: Mapping[str, str], path: str, found: Callable[[Any], T | None], what: str) -> T:
        """Look again and again, outside the trace, until something is there; raises FlowError when it stays away."""

        async def look() -> T | None:
            return found(await self._send("GET", path, {**who, "x-aulario-poll": "1"}, None))

        return await self._patiently(look, what)

    async def spans(self, who: Mapping[str, str]) -> list[Span]:
        """Give the trace of the performance, once nothing is added to it any more."""
        seen: list[list[Span]] = []

        async def look() -> list[Span] | None:
            answer = await self._send("GET", f"/api/system/traces/{self._context.trace_id}", dict(who), None)
            seen.append(msgspec.convert(answer, list[Span]))
            # Spans are written behind the work they tell of, so two looks must agree.
            return seen[-1] if len(seen) > 1 and len(seen[-1]) == len(seen[-2]) else None

        return await self._patiently(look, "the trace of the run", pace=0.5)

    async def _patiently(self, look: Callable[[], Awaitable[T | None]], what: str, pace: float = PACE) -> T:
        for _ in range(round(PATIENCE / pace)):
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(pace)
        message = f"waited {PATIENCE:.0f} s for {what}, in vain"
        raise FlowError(message)

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Any:
        answer = await self._client.request(method, path, headers=headers, json=body)
        if answer.is_error:
            problem = answer.json()
            message = f"{method} {path}: {answer.status_code} {problem['detail']} (request {problem['request_id']})"
            raise FlowError(message)
        return answer.json()


@dataclass(frozen=True)
class Flow:
    """A story: `play` gives its end in words, and the headers of somebody who may see its trace."""

    name: str
    title: str
    story: str
    play: Callable[[Stage, Login], Awaitable[Mapping[str, str]]]
