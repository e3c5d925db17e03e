"""Spans and figures. A trace that is not sampled costs next to nothing; figures have bounded labels, never ids."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from opentelemetry import trace
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from prometheus_client import CollectorRegistry, Counter, Histogram

from aulario.contracts.event import Envelope
from aulario.core.context import Context, current, use

Kind = Literal["internal", "server", "client", "producer", "consumer"]

REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "aulario_http_request_seconds",
    "Requests by route template and status.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
HANDLED = Counter("aulario_events_handled", "Events by handler and what became of them.", ["handler", "outcome"], registry=REGISTRY)
RETRIES = Counter("aulario_event_retries", "Attempts after the first.", ["handler"], registry=REGISTRY)
MISSED = Counter("aulario_due_events_missed", "Due events whose instant passed unnoticed.", ["topic", "policy"], registry=REGISTRY)
UNITS = Counter("aulario_units", "Units of work committed.", ["service"], registry=REGISTRY)
COMMITS = Counter("aulario_commits", "Commits, each of one or many units.", ["service"], registry=REGISTRY)


class Sampler:
    """Chooses which new traces are recorded: at most so many a second, and a burst of as many at once."""

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._monotonic = per_second, monotonic
        self._room = self._most = max(1.0, per_second)
        self._at = monotonic()

    def choose(self) -> bool:
        now = self._monotonic()
        self._room = min(self._most, self._room + (now - self._at) * self._rate)
        self._at = now
        if self._rate <= 0 or self._room < 1:
            return False
        self._room -= 1
        return True


class Span:
    """What is being done; `context` is what anything begun inside it belongs to."""

    __slots__ = ("_span", "context")

    def __init__(self, context: Context, span: trace.Span | None = None) -> None:
        self.context, self._span = context, span

    def set(self, key: str, value: Any) -> None:
        if self._span is not None:
            self._span.set_attribute(key, value)


_provider: list[TracerProvider] = []


def setup(exporter: SpanExporter) -> None:
    """Send spans to an exporter from here on."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    _provider.append(provider)


def shutdown() -> None:
    """Send what is left, and no more."""
    while _provider:
        _provider.pop().shutdown()


def flush() -> None:
    """Send what has ended by now."""
    for provider in _provider:
        provider.force_flush()


@contextmanager
def span(
    name: str,
    kind: Kind = "internal",
    *,
    service: str,
    parent: Context | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Span]:
    """Do something within a span, and make its context the current one. An error is named, never quoted."""
    parent = parent or current()
    if not parent.sampled or not _provider:
        with use(parent) as context:
            yield Span(context)
        return
    begun = _begin(name, kind, parent, {"aulario.service": service, **(attributes or {})})
    found = begun.get_span_context()
    child = Context(parent.request_id, parent.trace_id, f"{found.span_id:016x}", True, parent.tenant, service)  # noqa: FBT003
    try:
        with use(child):
            yield Span(child, begun)
    except Exception as error:
        begun.set_status(Status(StatusCode.ERROR))
        begun.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        begun.end()


@contextmanager
def consumer_span(service: str, handler: str, envelope: Envelope) -> Iterator[Span]:
    """Handle an event within a span whose parent is the span that recorded it."""
    parent = context_of(envelope)
    attributes = {
        "messaging.operation.type": "process",
        "messaging.destination.name": envelope.topic,
        "messaging.message.id": envelope.id,
        "aulario.handler": handler,
        "aulario.sequence": envelope.sequence,
    }
    with span(handler, "consumer", service=service, parent=parent, attributes=attributes) as handling:
        yield handling


def context_of(envelope: Envelope) -> Context:
    """Give the context that an event was recorded in."""
    found = Context.from_traceparent(envelope.traceparent, envelope.request_id, envelope.tenant)
    return found or Context.root(envelope.request_id, sampled=False).in_tenant(envelope.tenant)


def _begin(name: str, kind: Kind, parent: Context, attributes: dict[str, Any]) -> SdkSpan | trace.Span:
    above = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    return (
        _provider[-1]
        .get_tracer("aulario")
        .start_span(
            name,
            trace.set_span_in_context(NonRecordingSpan(above)),
            SpanKind[kind.upper()],
            {**attributes, "aulario.tenant": parent.tenant, "aulario.request_id": parent.request_id},
        )
    )
