"""The traces contract: keeps the spans of sampled requests for people who look, and never more than it has room for."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult


class Span(msgspec.Struct, frozen=True):
    """A piece of work in one service, as it was kept."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first span of a trace."""
    name: str
    kind: str
    """SERVER, CLIENT, PRODUCER, CONSUMER or INTERNAL, as OpenTelemetry names them."""
    service: str
    tenant: str
    start_ns: int
    end_ns: int
    error: str = ""
    """The type of what went wrong; empty when nothing did."""
    attributes: dict[str, Any] = {}


class Summary(msgspec.Struct, frozen=True):
    """A trace in one line; `name` and `tenant` are those of its earliest span."""

    trace_id: str
    name: str
    tenant: str
    start_ns: int
    end_ns: int
    spans: int
    errors: int


class Traces(Protocol):
    """Where spans are kept for a while.

    Promises: any OpenTelemetry batch processor can export to it; a span exported twice is kept once; it never grows
    past its bound, the oldest spans go first; a fault of its storage costs spans and nothing else, and is logged.
    All of it may be called from any thread, and blocks: from an event loop, call it in a thread.
    """

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult: ...

    def trace(self, trace_id: str) -> list[Span]:
        """Give the spans of a trace by their start, those of other processes too; empty when it is not known."""
        ...

    def recent(self, limit: int) -> list[Summary]:
        """Give the traces that began last, newest first."""
        ...

    def shutdown(self) -> None:
        """Export no more; what is kept can still be read."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool: ...

    def close(self) -> None: ...
