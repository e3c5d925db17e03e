"""What every request passes: its id and trace, its size, its headers, its line in the log, its count in the figures."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aulario.core import telemetry
from aulario.core.context import Context
from aulario.core.errors import Problem, TooLarge
from aulario.core.logs import log
from aulario.edge.hops import Hops, request_id
from aulario.edge.problems import FAULT
from aulario.kit.ids import uuid7

_SECURE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)
_TOO_LARGE = "the request is larger than is allowed here"
MAX_HEADERS = 32_768
"""Bytes of all header names and values."""
MAX_DIGITS = 18
_log = log("edge")


@dataclass
class Front:
    """An ASGI application around another."""

    app: ASGIApp
    hops: Hops
    sampler: telemetry.Sampler
    max_body: int
    in_flight: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        context = self._context(scope, headers)
        passage = _Passage(scope, receive, send, context, self.max_body)
        attributes = {"http.request.method": scope["method"], "aulario.poll": b"x-aulario-poll" in headers}
        self.in_flight += 1
        with telemetry.span(scope["method"], "server", service="edge", parent=context, attributes=attributes) as span:
            try:
                await passage.run(self.app)
            finally:
                self.in_flight -= 1
            span.set("http.response.status_code", passage.status)
            span.set("http.route", passage.route)
            span.set("aulario.tenant", passage.tenant)
            passage.tell()

    def _context(self, scope: Scope, headers: Mapping[bytes, str]) -> Context:
        """Begin the request's context, or take up the one a trusted hop began."""
        peer = scope["client"][0] if scope.get("client") else ""
        scope["client"] = (self.hops.client(peer, headers.get(b"x-forwarded-for")), 0)
        trusted = self.hops.is_trusted(peer)
        given = request_id(headers.get(b"x-request-id")) if trusted else None
        parent = headers.get(b"traceparent") if trusted else None
        name = given or uuid7()
        taken = Context.from_traceparent(parent, name) if parent else None
        return taken or Context.root(name, sampled=self.sampler.decide())


class _Passage:
    """One request on its way through."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, context: Context, max_body: int) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._context, self._left = context, max_body
        self._began = time.perf_counter()
        self.status = 0

    async def run(self, app: ASGIApp) -> None:
        try:
            self._check()
            await app(self._scope, self._receive_capped, self._send_headed)
        except Problem as problem:
            await self._refuse(problem)
        except Exception:  # noqa: BLE001 - logged with its trace; the client gets a problem without one
            _log.exception("a request failed")
            await self._refuse(Problem(FAULT))

    @property
    def route(self) -> str:
        """The template of the route that was met, never the address, which holds ids."""
        return getattr(self._scope.get("route"), "path", "none")

    @property
    def tenant(self) -> str:
        """Whose request it was, known once a service has looked at its token."""
        caller = self._scope.get("state", {}).get("caller")
        return caller.tenant if caller else ""

    def tell(self) -> None:
        """Write the request's line, and count it."""
        seconds = time.perf_counter() - self._began
        telemetry.request_done(self._scope["method"], self.route, self.status, seconds)
        _log.info(
            "request", method=self._scope["method"], route=self.route, status=self.status, ms=round(seconds * 1e3, 1)
        )

    def _check(self) -> None:
        """Refuse by what the headers say, before anything is read; raises TooLarge."""
        headers = self._scope["headers"]
        declared = dict(headers).get(b"content-length", b"0")
        # A number of thousands of digits would take long to read, and Python refuses it.
        too_long = declared.isdigit() and (len(declared) > MAX_DIGITS or int(declared) > self._left)
        if too_long or sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
            raise TooLarge(_TOO_LARGE)

    async def _receive_capped(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise TooLarge(_TOO_LARGE)
        return message

    async def _send_headed(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = [pair for pair in message["headers"] if pair[0] != b"server"]
            named = {name for name, _ in given}
            mine = (pair for pair in _SECURE if pair[0] not in named)
            message["headers"] = [*given, *mine, (b"x-request-id", self._context.request_id.encode())]
        await self._send(message)

    async def _refuse(self, problem: Problem) -> None:
        if self.status:
            return
        language = dict(self._scope["headers"]).get(b"accept-language", b"en").decode("latin-1")
        headers: list[Any] = [(b"content-type", b"application/problem+json")]
        headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers().items()]
        await self._send_headed({"type": "http.response.start", "status": problem.status, "headers": headers})
        body = msgspec.json.encode(problem.as_dict(self._context.request_id, language))
        await self._send({"type": "http.response.body", "body": body})
