"""What an endpoint is given: the work that a request may do in its service, and the shapes bodies are made of."""

from collections.abc import Callable
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from aulario.contracts.question import Question
from aulario.core.auth import Caller
from aulario.core.context import Context, current
from aulario.core.errors import BadRequest, Unauthorized
from aulario.core.idempotency import Once, answered, fingerprint
from aulario.core.routing import Site
from aulario.core.unit_of_work import Store, UnitOfWork, View

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)

MAX_KEY = 200

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
"""Words on one line: a name, a title. What moves a reader's cursor is no word."""
Text = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
"""Words on many lines; tabs and line ends are part of them."""


class Body(BaseModel):
    """What a request sends: strict, and without a field that nobody asked for (mass assignment)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Reply(BaseModel):
    """What is answered; made of records and of rows alike."""

    model_config = ConfigDict(from_attributes=True)


class Work:
    """One request's access to its service in its caller's tenant: `work(action, ...)`, `work.read(query, ...)`."""

    def __init__(self, request: Request, site: Site, context: Context, caller: Caller | None) -> None:
        self.request, self._site, self.context, self._caller = request, site, context, caller

    @property
    def caller(self) -> Caller:
        """The person who calls; raises Unauthorized on a public route that nobody signed in to."""
        if self._caller is None:
            message = "sign in first"
            raise Unauthorized(message)
        return self._caller

    @property
    def address(self) -> str:
        """The address the request came from, as far as trusted hops vouch for it."""
        return self.request.client.host if self.request.client else ""

    @property
    def _store(self) -> Store:
        if self._site.store is None:
            message = "the edge keeps no data"
            raise RuntimeError(message)
        return self._site.store

    async def __call__(self, action: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an action; what it stored and recorded is on disk when this returns."""
        return await self._store.work(self.context, action, *args, **kwargs)

    async def creating(
        self, reply: type[R], action: Callable[Concatenate[UnitOfWork, P], object], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run an action that makes something, once for each `Idempotency-Key`, and give it as a reply."""
        once = await self._once()

        def act(uow: UnitOfWork) -> R:
            if once is None:
                return reply.model_validate(action(uow, *args, **kwargs), from_attributes=True)
            return answered(uow, once, reply, lambda: action(uow, *args, **kwargs))

        return await self._store.work(self.context, act)

    async def read(self, query: Callable[Concatenate[View, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._store.read(self.context, query, *args, **kwargs)

    async def ask(self, question: Question[T]) -> T:
        return await self._site.asking.ask(self._store.service, self.context, question)

    def backend(self, contract: type[T]) -> T:
        """Give the backend that was chosen for a contract."""
        found: T = self._site.backends[contract]
        return found

    def in_tenant(self, tenant: str) -> "Work":
        """Give the same work in a tenant that was established without a token, as at sign-in."""
        return Work(self.request, self._site, self.context.in_tenant(tenant), self._caller)

    async def _once(self) -> Once | None:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            message = f"an Idempotency-Key has 1 to {MAX_KEY} printable characters"
            raise BadRequest(message)
        # The caller's own tenant, not the one worked in: an academy that is being opened has another at each try.
        tenant, who = (self._caller.tenant, self._caller.user_id) if self._caller else ("", "anybody")
        route = f"{self.request.method} {self.request.url.path}"
        return Once(tenant, who, route, key, fingerprint(self._site.pepper, await self.request.body()))


async def _work(request: Request) -> Work:
    return Work(request, request.state.site, current(), request.state.caller)


Working = Annotated[Work, Depends(_work)]
"""What an endpoint declares to be given its Work."""


def _language(request: Request) -> str:
    """Give the reader's language: Spanish when they prefer it, else English."""
    first = request.headers.get("accept-language", "en").lower()
    return "es" if first.startswith("es") else "en"


Language = Annotated[str, Depends(_language)]
