"""The traces contract: finished spans are handed over, and may be asked for as long as the backend keeps them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from opentelemetry.sdk.trace.export import SpanExporter


class Span(msgspec.Struct, frozen=True):
    """One finished span; times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    service: str
    tenant: str
    start_ns: int
    end_ns: int
    error: str | None
    attributes: dict[str, str | int | float | bool]


class Traces(Protocol):
    """Keeps traces for people who look.

    Promises: what was exported and flushed can be read back, from any process; the newest are kept, older ones go;
    losing all of it harms nothing else.
    """

    exporter: SpanExporter

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Give the spans of a trace, oldest first; empty when it is not known (any more)."""
        ...

    def close(self) -> None: ...
