"""What can be seen of the running system: spans of the traces that are sampled, and metrics of everything."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from aulario.backends.traces import Traces
from aulario.contracts.event import Envelope
from aulario.core.context import Context, current
from aulario.core.spans import Kind, RecordedSpan, Span, Value

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Each `_created` series would double what a scrape carries, and tells nothing that is asked here.
disable_created_metrics()  # type: ignore[no-untyped-call]  # as the library has it
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
        processor.shutdown()  # type: ignore[no-untyped-call]  # as the library has it


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
    recorded = RecordedSpan(processor, name, kind, parent, parent.child(service=service, tenant=tenant))
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
