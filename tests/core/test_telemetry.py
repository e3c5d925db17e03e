"""Spans, their sampling, and metrics."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from aulario.contracts.event import Envelope
from aulario.core import telemetry
from aulario.core.context import CURRENT, Context, current
from aulario.core.errors import NotFound, Unavailable
from aulario.core.spans import STATUS, Value

SECRET = "hunter2"


class Exported:
    """What was exported so far."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        telemetry.flush()
        return list(self._exporter.get_finished_spans())

    def one(self) -> ReadableSpan:
        (span,) = self.all()
        return span


@pytest.fixture
def exported() -> Iterator[Exported]:
    exporter = InMemorySpanExporter()
    telemetry.setup(exporter)
    yield Exported(exporter)
    telemetry.shutdown()


@pytest.fixture
def root() -> Context:
    return Context.root("r1", sampled=True, tenant="acme", service="edge")


def sample(name: str, **labels: str) -> float:
    return telemetry.REGISTRY.get_sample_value(f"aulario_{name}", labels) or 0.0


def ids(span: ReadableSpan) -> tuple[str, str, str]:
    parent = format_span_id(span.parent.span_id) if span.parent else ""
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id), parent


def test_a_span_has_the_ids_of_its_context(exported: Exported, root: Context) -> None:
    """What the log lines and the events of a span say of it is what was exported."""
    with telemetry.span("POST /api/users", "server", parent=root) as outer:
        assert current() is outer.context
        with telemetry.span("charge", "client", service="payments") as inner:
            pass
    child, first = exported.all()
    assert ids(first) == (root.trace_id, outer.context.span_id, "")
    assert ids(child) == (root.trace_id, inner.context.span_id, outer.context.span_id)
    assert (first.kind, child.kind) == (SpanKind.SERVER, SpanKind.CLIENT)


def test_a_span_tells_where_it_belongs(exported: Exported, root: Context) -> None:
    """Service, tenant and request are on every span, beside what the work noted."""
    attributes: dict[str, Value] = {"peer.service": "gateway"}
    with telemetry.span("charge", "client", service="payments", parent=root, attributes=attributes) as span:
        span.set("rpc.method", "charge")
    found = exported.one()
    assert dict(found.attributes or {}) == {
        "aulario.service": "payments",
        "aulario.tenant": "acme",
        "aulario.request_id": "r1",
        "peer.service": "gateway",
        "rpc.method": "charge",
    }
    assert found.resource.attributes["service.name"] == "payments"
    assert attributes == {"peer.service": "gateway"}


def test_an_error_is_named_and_not_quoted(exported: Exported, root: Context) -> None:
    """The words of an exception may hold a secret; its type cannot."""
    with pytest.raises(ValueError, match=SECRET), telemetry.span("parse", "internal", parent=root):
        raise ValueError(SECRET)
    span = exported.one()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert SECRET not in span.to_json()
    assert not span.events
    assert CURRENT.get() is None


@pytest.mark.parametrize(
    ("problem", "failed"),
    [(NotFound("no such order"), False), (Unavailable("the database is away"), True)],
)
def test_a_refusal_is_an_answer(exported: Exported, root: Context, problem: Any, failed: bool) -> None:  # noqa: FBT001 - a parameter
    """A server that tells a client of its mistake has not failed; one that cannot answer has."""
    with pytest.raises(type(problem)), telemetry.span("GET /", "server", parent=root):
        raise problem
    span = exported.one()
    assert (span.attributes or {})[STATUS] == problem.status
    assert (span.status.status_code is StatusCode.ERROR) is failed


def test_an_answer_of_500_is_an_error(exported: Exported, root: Context) -> None:
    """An error that was turned into an answer on the way is one still."""
    with telemetry.span("GET /", "server", parent=root) as span:
        span.set(STATUS, 502)
    assert (exported.one().attributes or {})["error.type"] == "502"


def test_what_is_not_sampled_leaves_no_span(exported: Exported, root: Context) -> None:
    """Work in a trace that is not sampled keeps the ids it came with, and knows its service and tenant."""
    parent = Context.root("r1")
    with telemetry.span("POST /", "server", service="orders", tenant="acme", parent=parent) as span:
        span.set("key", "value")
        assert current() == Context(
            "r1", parent.trace_id, parent.span_id, sampled=False, tenant="acme", service="orders"
        )
    assert CURRENT.get() is None
    assert exported.all() == []
    assert root.sampled


def test_nothing_is_recorded_before_the_setup(root: Context) -> None:
    """Without an exporter, work in a sampled trace runs all the same."""
    telemetry.setup(None)
    with telemetry.span("POST /", "server", parent=root) as span:
        assert span.context is root
    telemetry.flush()


def test_shutdown_exports_what_is_left(root: Context) -> None:
    """A process that stops in good order loses no span, and may go on without telemetry."""
    exporter = InMemorySpanExporter()
    telemetry.setup(exporter)
    with telemetry.span("POST /", "server", parent=root):
        pass
    telemetry.shutdown()
    with telemetry.span("POST /", "server", parent=root):
        pass
    assert len(exporter.get_finished_spans()) == 1


def test_an_exporter_that_fails_harms_nobody(root: Context, caplog: pytest.LogCaptureFixture) -> None:
    """Telemetry that cannot be delivered is lost and told of, and the work goes on."""

    class Failing(SpanExporter):
        def export(self, spans: Any) -> Any:
            raise OSError(len(spans))

    telemetry.setup(Failing())
    with telemetry.span("POST /", "server", parent=root):
        pass
    telemetry.shutdown()
    assert "Exception while exporting" in caplog.text


def test_a_handler_runs_beneath_the_span_that_recorded_its_event(exported: Exported, root: Context) -> None:
    """One trace leads from the request through the event to its handlers, each attempt timed."""
    recorder = root.child()
    envelope = Envelope("e1", "identity", "user.created", 1, "acme", "u1", "", "r1", recorder.traceparent, "{}", 7)
    timed = sample("handler_seconds_count", handler="orders.on_user_created")
    with telemetry.consumer_span("orders", "orders.on_user_created", envelope) as span:
        assert current() is span.context
    found = exported.one()
    assert ids(found) == (root.trace_id, span.context.span_id, recorder.span_id)
    assert (found.kind, found.name) == (SpanKind.CONSUMER, "orders.on_user_created")
    assert dict(found.attributes or {}) == {
        "aulario.service": "orders",
        "aulario.tenant": "acme",
        "aulario.request_id": "r1",
        "messaging.destination.name": "user.created",
        "messaging.operation.type": "process",
        "messaging.message.id": "e1",
        "aulario.handler": "orders.on_user_created",
        "aulario.sequence": 7,
        "aulario.source": "identity",
    }
    assert sample("handler_seconds_count", handler="orders.on_user_created") == timed + 1


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Time:
    return Time()


def test_as_many_traces_are_sampled_as_a_second_may_have(seconds: Time) -> None:
    """A burst is cut at the rate; a second later there is room again, and never for more than one second's worth."""
    sampler = telemetry.Sampler(3, seconds)
    assert [sampler.decide() for _ in range(5)] == [True, True, True, False, False]
    seconds.now += 0.5
    assert [sampler.decide() for _ in range(2)] == [True, False]
    seconds.now += 3600
    assert sum(sampler.decide() for _ in range(100)) == 3


def test_a_slow_rate_still_samples(seconds: Time) -> None:
    """One trace a minute is the first one, and one a minute later."""
    sampler = telemetry.Sampler(1 / 60, seconds)
    assert [sampler.decide() for _ in range(2)] == [True, False]
    seconds.now += 59
    assert not sampler.decide()
    seconds.now += 1.5
    assert sampler.decide()


def test_a_rate_of_zero_samples_nothing(seconds: Time) -> None:
    """Traces can be turned off."""
    sampler = telemetry.Sampler(0, seconds)
    seconds.now += 3600
    assert not sampler.decide()


def test_requests_are_counted_by_what_there_is_few_of() -> None:
    """An invented method or a thousand paths make no new series."""
    labels = {"method": "other", "route": "/api/orders/{id}", "status": "4xx"}
    before = sample("http_request_seconds_count", **labels)
    for method in ("BREW", "MAKE"):
        telemetry.request_done(method, "/api/orders/{id}", 404, 0.01)
    assert sample("http_request_seconds_count", **labels) == before + 2


def test_a_group_commit_counts_its_units() -> None:
    """How well commits are shared can be read off two counters."""
    before = sample("units_total", service="orders"), sample("group_commits_total", service="orders")
    telemetry.committed("orders", 30)
    assert sample("units_total", service="orders") == before[0] + 30
    assert sample("group_commits_total", service="orders") == before[1] + 1


def test_metrics_are_shown_as_prometheus_reads_them() -> None:
    """The exposition holds our metrics and nothing of the library's own."""
    telemetry.HANDLED.labels("orders.on_user_created", "known").inc()
    text = telemetry.exposition().decode()
    assert 'aulario_handled_total{handler="orders.on_user_created",outcome="known"}' in text
    assert "_created{" not in text
    assert all(line.startswith(("#", "aulario_")) for line in text.splitlines())
