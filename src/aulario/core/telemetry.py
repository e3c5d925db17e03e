"""What can be seen of the running system: spans of the traces that are sampled, and metrics of everything."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from functools import cache
from types import TracebackType
from typing import Literal, Self, TypeAlias, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from aulario.backends.traces import Traces
from aulario.contracts.event import Envelope
from aulario.core.context import CURRENT, Context, current
from aulario.core.errors import Problem

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Value: TypeAlias = str | bool | int | float

STATUS = "http.response.status_code"
SERVER_ERROR = 500

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Each `_created` series would double what a scrape carries, and tells nothing that is asked here.
disable_created_metrics()
REGISTRY = CollectorRegistry()


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"aulario_{name}", what, labels, registry=REGISTRY)


def _gauge(name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"aulario_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, *labels: str) -> Histogram:
    return Histogram(f"aulario_{name}", what, labels, registry=REGISTRY, buckets=BUCKETS)


# Labels are names out of the code, never ids or what a client wrote: each value is a series that is kept for ever.
HTTP = _histogram("http_request_seconds", "Requests answered; its count is their number", "method", "route", "status")
HANDLER_SECONDS = _histogram("handler_seconds", "Runs of handlers, failed ones and calls out too", "handler")
HANDLED = _counter(
    "handled", "What became of events: done, known (a duplicate), held, failed, dead", "handler", "outcome"
)
OUTBOX_DEPTH = _gauge("outbox_depth", "Events that a subscriber has still to take", "service")
OUTBOX_AGE = _gauge("outbox_age_seconds", "Age of the oldest of them", "service")
INBOX_WAITING = _gauge("inbox_waiting", "Events taken whose handler is not through with them", "service")
UNITS = _counter("units", "Units of work committed", "service")
COMMITS = _counter("group_commits", "Commits, each of many units", "service")
MISSED = _counter("due_events_missed", "Due events whose instant had passed: late, skipped", "type", "outcome")
EFFECTS = _counter("effects", "What the business counts: users registered, orders paid", "service", "what")


def request_done(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request; `route` is the template, or a fixed word where none matched."""
    HTTP.labels(method if method in METHODS else "other", route, f"{status // 100}xx").observe(seconds)


def committed(service: str, units: int) -> None:
    """Count a group commit."""
    COMMITS.labels(service).inc()
    UNITS.labels(service).inc(units)


def exposition() -> bytes:
    """Give all metrics in the Prometheus text format."""
    return generate_latest(REGISTRY)


class Sampler:
    """Decides at the edge which new traces are recorded: a bucket that refills by `per_second`, 0 for none."""

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._monotonic = per_second, monotonic
        # A rate of one a minute must be able to save up one whole trace.
        self._most = max(1.0, per_second) if per_second > 0 else 0.0
        self._left, self._at = self._most, monotonic()

    def decide(self) -> bool:
        """Tell whether to record a trace that begins now, and take note that it was."""
        now = self._monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Span:
    """A piece of work and the context it gives its parts; this one is not recorded, and costs next to nothing."""

    __slots__ = ("_token", "context")
    _token: Token[Context | None]

    def __init__(self, context: Context) -> None:
        self.context = context

    def set(self, key: str, value: Value) -> None:
        """Note something about the work: never a secret, never what a person wrote."""

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        CURRENT.reset(self._token)


class _Recorded(Span):
    """A span of a sampled trace, exported when it ends."""

    __slots__ = ("_attributes", "_begun", "_kind", "_name", "_parent", "_processor")

    def __init__(self, processor: BatchSpanProcessor, name: str, kind: Kind, parent: Context, context: Context) -> None:
        super().__init__(context)
        self._processor, self._name, self._parent = processor, name, parent
        self._kind = SpanKind[kind.upper()]
        self._attributes: dict[str, Value] = {
            "aulario.service": context.service,
            "aulario.tenant": context.tenant,
            "aulario.request_id": context.request_id,
        }
        self._begun = time.time_ns()

    def set(self, key: str, value: Value) -> None:
        self._attributes[key] = value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        failure = self._failure(error)
        if failure:
            self._attributes["error.type"] = failure
        # Made by hand rather than by a tracer: it has the very ids of our contexts, and costs 3 µs rather than 22.
        span = ReadableSpan(
            self._name,
            _span_context(self.context),
            None if self._parent.is_root else _span_context(self._parent),
            _resource(self.context.service),
            self._attributes,
            kind=self._kind,
            status=Status(StatusCode.ERROR if failure else StatusCode.UNSET),
            start_time=self._begun,
            end_time=time.time_ns(),
        )
        self._processor.on_end(span)

    def _failure(self, error: BaseException | None) -> str:
        """Name what went wrong by its type, as its words may hold secrets; a refusal is no failure of a server."""
        if isinstance(error, Problem) and self._kind is SpanKind.SERVER:
            self._attributes.setdefault(STATUS, error.status)
        elif error is not None:
            return type(error).__name__
        status = self._attributes.get(STATUS, 0)
        return str(status) if isinstance(status, int) and status >= SERVER_ERROR else ""


class _Exporting:
    """Where spans go; nowhere until `setup`."""

    processor: BatchSpanProcessor | None = None


def setup(exporter: Traces | SpanExporter | None, *, delay: float = 0.5) -> None:
    """Export the spans of sampled traces, at most `delay` seconds after they ended; None: record nothing."""
    shutdown()
    if exporter is not None:
        # A Traces has the methods of an exporter, which the library asks for by class.
        sink = cast("SpanExporter", exporter)
        _Exporting.processor = BatchSpanProcessor(sink, max_queue_size=8192, schedule_delay_millis=delay * 1000)


def flush() -> None:
    """Export all spans that have ended; blocks."""
    if _Exporting.processor is not None:
        _Exporting.processor.force_flush()


def shutdown() -> None:
    """Export what is left and stop; blocks."""
    processor, _Exporting.processor = _Exporting.processor, None
    if processor is not None:
        processor.shutdown()


def span(
    name: str,
    kind: Kind,
    *,
    service: str = "",
    tenant: str = "",
    parent: Context | None = None,
    attributes: Mapping[str, Value] | None = None,
) -> Span:
    """Give a span to run work in; parent, service and tenant are the current context's where they are not given."""
    parent = parent or current()
    processor = _Exporting.processor
    if processor is None or not parent.sampled:
        return Span(parent.within(service=service, tenant=tenant))
    recorded = _Recorded(processor, name, kind, parent, parent.child(service=service, tenant=tenant))
    for key, value in (attributes or {}).items():
        recorded.set(key, value)
    return recorded


@contextmanager
def consumer_span(service: str, handler: str, envelope: Envelope) -> Iterator[Span]:
    """Run one attempt of a handler beneath the span that recorded its event, and time it."""
    attributes: dict[str, Value] = {
        "messaging.destination.name": envelope.topic,
        "messaging.operation.type": "process",
        "messaging.message.id": envelope.id,
        "aulario.handler": handler,
        "aulario.sequence": envelope.sequence,
        "aulario.source": envelope.source,
    }
    running = span(handler, "consumer", service=service, parent=Context.of(envelope), attributes=attributes)
    with HANDLER_SECONDS.labels(handler).time(), running:
        yield running


def _span_context(context: Context) -> SpanContext:
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=False, trace_flags=_SAMPLED)


_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


@cache
def _resource(service: str) -> Resource:
    """Give what OpenTelemetry calls the producer of a span: in one process, still one for each service."""
    return Resource({"service.name": service, "service.namespace": "aulario"})
