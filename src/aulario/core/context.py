"""What travels with a request through every call, event, log line and span: its ids, its trace, its tenant."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from random import getrandbits
from typing import Self

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Context:
    """Where something happens. `sampled` says whether spans are recorded; the ids are there in either case."""

    request_id: str
    trace_id: str
    span_id: str
    sampled: bool
    tenant: str = ""
    service: str = ""

    @classmethod
    def root(cls, request_id: str, *, sampled: bool) -> Self:
        """Begin a new trace."""
        return cls(request_id, f"{getrandbits(128) or 1:032x}", f"{getrandbits(64) or 1:016x}", sampled)

    @classmethod
    def from_traceparent(cls, traceparent: str, request_id: str, tenant: str = "") -> Self | None:
        """Take up a trace (W3C Trace Context, section 3.2); None for a malformed header."""
        found = _TRACEPARENT.fullmatch(traceparent)
        if found is None:
            return None
        trace_id, span_id, flags = found.groups()
        return cls(request_id, trace_id, span_id, bool(int(flags, 16) & 1), tenant)

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def in_tenant(self, tenant: str) -> Self:
        return replace(self, tenant=tenant)

    def child(self, service: str) -> Self:
        """Give the same trace with a new span id, in a service."""
        return replace(self, span_id=f"{getrandbits(64) or 1:016x}", service=service)


NOWHERE = Context("", "0" * 32, "0" * 16, sampled=False)
_current: ContextVar[Context] = ContextVar("context", default=NOWHERE)


def current() -> Context:
    """Give the context of what runs now; NOWHERE outside of any request or event."""
    return _current.get()


@contextmanager
def use(context: Context) -> Iterator[Context]:
    """Make a context the current one for a while."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
