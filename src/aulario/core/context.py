"""Who asks, in which tenant and in which trace: what travels with every request, event, call, span and log line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import getrandbits
from typing import Self

from aulario.contracts.event import Envelope
from aulario.kit.ids import uuid7

# W3C Trace Context, 3.2: zeros and version ff are invalid, and only versions after 00 may carry more fields.
_TRACEPARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class Context:
    """Where a piece of work belongs; one that is not sampled keeps its ids, so that its log lines can be joined."""

    request_id: str
    trace_id: str
    span_id: str
    sampled: bool
    tenant: str = ""
    service: str = ""

    @classmethod
    def root(cls, request_id: str = "", *, sampled: bool = False, tenant: str = "", service: str = "") -> Self:
        """Begin a trace, and a request id of our own where none is given."""
        trace_id = f"{getrandbits(128):032x}"
        # A span id taken from its trace id marks a context that no span stands for; see `is_root`.
        return cls(request_id or uuid7(), trace_id, trace_id[16:], sampled, tenant, service)

    @classmethod
    def from_traceparent(cls, traceparent: str, request_id: str = "", *, tenant: str = "") -> Self | None:
        """Continue a trace that began elsewhere; None for what is no W3C `traceparent`, as for an empty one."""
        found = _TRACEPARENT.fullmatch(traceparent)
        if found is None:
            return None
        sampled = bool(int(found[3], 16) & _SAMPLED)
        return cls(request_id or uuid7(), found[1], found[2], sampled, tenant)

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """Give the context an event was recorded in; a new trace where it came without one."""
        continued = cls.from_traceparent(envelope.traceparent, envelope.request_id, tenant=envelope.tenant)
        return continued or cls.root(envelope.request_id, tenant=envelope.tenant)

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    @property
    def is_root(self) -> bool:
        """Whether this is where a trace began: its first span has no parent."""
        return self.trace_id[16:] == self.span_id

    def child(self, *, service: str = "", tenant: str = "") -> Self:
        """Give the context of a new span beneath this one."""
        return self._in_span(f"{getrandbits(64):016x}", service, tenant)

    def within(self, *, service: str = "", tenant: str = "") -> Self:
        """Give this span's context as another service or tenant sees it."""
        if service in ("", self.service) and tenant in ("", self.tenant):
            return self
        return self._in_span(self.span_id, service, tenant)

    def in_tenant(self, tenant: str) -> Self:
        return self.within(tenant=tenant)

    def _in_span(self, span_id: str, service: str, tenant: str) -> Self:
        tenant, service = tenant or self.tenant, service or self.service
        return type(self)(self.request_id, self.trace_id, span_id, self.sampled, tenant, service)


CURRENT: ContextVar[Context | None] = ContextVar("aulario.context", default=None)


def current() -> Context:
    """Give the context this code runs in; outside of any, a new one that is not sampled."""
    return CURRENT.get() or Context.root()


@contextmanager
def use(context: Context) -> Iterator[Context]:
    """Make a context the current one for a while."""
    token = CURRENT.set(context)
    try:
        yield context
    finally:
        CURRENT.reset(token)
