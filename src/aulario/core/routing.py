"""Routes that say who may call them; deny by default: one that says nothing cannot be declared."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from aulario.contracts.identity import Role
from aulario.core import telemetry
from aulario.core.asking import Asking
from aulario.core.auth import Caller, CallingService, Tokens
from aulario.core.context import current
from aulario.core.errors import BadRequest, Forbidden, Unauthorized
from aulario.core.idempotency import Pepper
from aulario.core.unit_of_work import Store

MAX_DEPTH = 32
"""Levels of nesting in a JSON body; nothing of ours needs ten."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: anybody, a signed-in person, some roles, or another service."""

    name: str
    roles: frozenset[Role] | None = None
    services: frozenset[str] = frozenset()

    def check(self, caller: Caller | None) -> None:
        """Raise Unauthorized for nobody and Forbidden for somebody else."""
        if self is PUBLIC or self.services:
            return
        if caller is None:
            message = "sign in first"
            raise Unauthorized(message)
        if self.roles is not None and not self.roles & caller.roles:
            message = "your role does not allow this"
            raise Forbidden(message)


PUBLIC = Access("anybody")
SIGNED_IN = Access("signed in")


def only(*roles: Role) -> Access:
    """Allow people who have one of these roles in their tenant."""
    return Access(", ".join(roles), frozenset(roles))


def service_only(*services: str) -> Access:
    """Allow other services of this installation, by their own token."""
    return Access(f"service {', '.join(services)}", services=frozenset(services))


@dataclass(frozen=True, slots=True)
class Site:
    """What a running service lends to its endpoints."""

    store: Store | None
    """None for the edge, which keeps no data of its own."""
    asking: Asking
    tokens: Tokens
    backends: Mapping[type, Any]
    pepper: Pepper


class Route(APIRoute):
    """A route that knows its service and who may call it, so that a table of all of them can be made and tested."""

    access: Access
    service: str

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            site: Site = request.app.state.sites[self.service]
            # Before the body is even read: who may not call learns nothing about what would have been right.
            caller = self._admit(request, site)
            request.state.site, request.state.caller = site, caller
            context = current().in_tenant(caller.tenant if caller else "")
            attributes = {"http.request.method": request.method, "http.route": self.path}
            name = f"{request.method} {self.path}"
            with telemetry.span(name, "server", service=self.service, parent=context, attributes=attributes) as span:
                capped = _CappedRequest(request.scope, request.receive)
                if self.body_field is not None:
                    await capped.check()
                response = await handle(capped)
                span.set("http.response.status_code", response.status_code)
                return response

        return guarded

    def _admit(self, request: Request, site: Site) -> Caller | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = ""
        if self.access.services:
            return self._admit_service(site.tokens.verify_service(token, self.service))
        caller = site.tokens.verify(token) if token and self.access is not PUBLIC else None
        self.access.check(caller)
        return caller

    def _admit_service(self, calling: CallingService) -> Caller:
        """Let a service work in the tenant of its token, as a caller without any role."""
        if calling.name not in self.access.services:
            message = f"{calling.name} may not call this"
            raise Forbidden(message)
        return Caller(calling.name, calling.tenant, frozenset(), "")


class Routes(APIRouter):
    """The routes of one service."""

    def __init__(self, service: str) -> None:
        super().__init__(tags=[service], route_class=Route)
        self.service = service

    def api_route(self, path: str, **_: Any) -> Any:
        """Refuse the framework's own way (`routes.get`), which does not ask who may call."""
        message = f"declare {path} with to(), which asks who may call it"
        raise TypeError(message)

    def to(self, method: str, path: str, access: Access, status: int = 200) -> Callable[[Any], Any]:
        """Declare an endpoint: its method and path, who may call it, and the status of its success."""

        def declare(endpoint: Any) -> Any:
            extra = {"x-access": access.name}
            self.add_api_route(path, endpoint, methods=[method], status_code=status, openapi_extra=extra)
            route = self.routes[-1]
            if isinstance(route, Route):
                route.access, route.service = access, self.service
            return endpoint

        return declare


class _CappedRequest(Request):
    """A request whose JSON cannot nest so deep that reading it costs more than sending it."""

    async def check(self) -> None:
        """Read the body while a refusal is still told as what it is: FastAPI makes one 400 of them all."""
        body = await self.body()
        # Counting brackets is a cheap upper bound, and nearly every body passes it.
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
            message = f"the JSON nests deeper than {MAX_DEPTH} levels"
            raise BadRequest(message)


def _depth(body: bytes) -> int:
    """Give the deepest nesting of a JSON text, brackets inside strings left out."""
    deepest = depth = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            in_string = escaped or byte != QUOTE
            escaped = byte == BACKSLASH and not escaped
        elif byte == QUOTE:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


QUOTE, BACKSLASH = b'"\\'
