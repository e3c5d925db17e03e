"""Spans kept in a file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from aulario.backends.traces import Span, Summary, Traces
from aulario.backends.traces.local import LocalTraces

KEEP = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


@pytest.fixture
def traces(path: Path) -> Iterator[LocalTraces]:
    traces = LocalTraces(path, keep=KEEP)
    yield traces
    traces.close()


def context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def ended(trace: int, span: int, parent: int = 0, *, error: str = "") -> ReadableSpan:
    """Give a span as the SDK exports it; its start is its number."""
    attributes: dict[str, str | int | bool] = {
        "aulario.service": "orders",
        "aulario.tenant": "acme",
        "n": span,
        "ok": True,
    }
    if error:
        attributes["error.type"] = error
    return ReadableSpan(
        f"span {span}",
        context(trace, span),
        context(trace, parent) if parent else None,
        Resource({}),
        attributes,
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR if error else StatusCode.UNSET),
        start_time=span,
        end_time=span + 10,
    )


def name(trace: int) -> str:
    return f"{trace:032x}"


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT count(*) FROM spans").fetchone()
    connection.close()
    return int(found)


def test_a_span_is_given_back_as_it_was(traces: LocalTraces) -> None:
    """Nothing of a span is lost on the way, the types of its attributes neither."""
    assert traces.export([ended(1, 2, 1, error="KeyError")]) is SpanExportResult.SUCCESS
    attributes = {"aulario.service": "orders", "aulario.tenant": "acme", "n": 2, "ok": True, "error.type": "KeyError"}
    assert traces.trace(name(1)) == [
        Span(name(1), f"{2:016x}", f"{1:016x}", "span 2", "SERVER", "orders", "acme", 2, 12, "KeyError", attributes)
    ]


def test_a_trace_is_given_in_order_of_its_starts(traces: LocalTraces) -> None:
    """Spans are exported when they end, and read as they began; the first one has no parent."""
    traces.export([ended(1, 3, 2), ended(2, 9)])
    traces.export([ended(1, 2)])
    assert [(span.name, span.parent_id) for span in traces.trace(name(1))] == [("span 2", ""), ("span 3", f"{2:016x}")]
    assert traces.trace(name(7)) == []


def test_recent_traces_in_one_line_each(traces: LocalTraces) -> None:
    """The list shows what began last first, named for its first span."""
    traces.export([ended(1, 5, 4), ended(1, 4), ended(2, 6, error="OSError"), ended(3, 1)])
    assert traces.recent(2) == [
        Summary(name(2), "span 6", "acme", 6, 16, 1, 1),
        Summary(name(1), "span 4", "acme", 4, 15, 2, 0),
    ]


def test_a_span_exported_twice_is_kept_once(traces: LocalTraces, path: Path) -> None:
    """An exporter that is not sure whether it was heard may repeat itself."""
    for _ in range(2):
        traces.export([ended(1, 2)])
    assert count(path) == 1


def test_the_file_does_not_grow_past_its_bound(traces: LocalTraces, path: Path) -> None:
    """The oldest spans go first, with each batch as many as came."""
    for batch in range(20):
        traces.export([ended(batch, 10 * batch + n) for n in range(1, 11)])
        assert count(path) <= KEEP
    assert traces.trace(name(0)) == []
    assert len(traces.trace(name(19))) == 10


def test_a_lowered_bound_is_reached_in_small_steps(traces: LocalTraces, path: Path) -> None:
    """A file from before a setting was lowered shrinks with each batch, and no batch waits long for it."""
    traces.export([ended(1, n) for n in range(1, 41)])
    lower = LocalTraces(path, keep=10)
    counts = []
    for n in range(41, 47):
        lower.export([ended(2, 10 * n + m) for m in range(5)])
        counts.append(count(path))
    lower.close()
    assert counts == [35, 30, 25, 20, 15, 10]


def test_another_process_reads_while_one_writes(traces: LocalTraces, path: Path) -> None:
    """The command line looks at the traces of a running system."""
    traces.export([ended(1, 2)])
    reader = LocalTraces(path)
    traces.export([ended(1, 3, 2)])
    assert len(reader.trace(name(1))) == 2
    reader.close()


def test_it_is_what_a_batch_processor_exports_to(path: Path) -> None:
    """Spans are stored from the processor's own thread, and can be read after it has stopped."""
    traces = LocalTraces(path)
    processor = BatchSpanProcessor(traces)
    processor.on_end(ended(1, 2))
    processor.shutdown()  # type: ignore[no-untyped-call]  # as the library has it
    kept: Traces = traces
    assert len(kept.trace(name(1))) == 1
    kept.close()


@pytest.mark.parametrize("rubbish", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_corrupt_is_set_aside(path: Path, rubbish: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Traces are expendable: a broken file is kept for who wants to look, told of, and a new one begun."""
    path.write_bytes(rubbish)
    traces = LocalTraces(path)
    assert traces.export([ended(1, 2)]) is SpanExportResult.SUCCESS
    assert len(traces.trace(name(1))) == 1
    traces.close()
    assert path.with_name("traces.db.corrupt").read_bytes() == rubbish
    assert "set aside" in caplog.text


def test_a_file_that_turns_corrupt_is_set_aside(path: Path) -> None:
    """Damage that shows only when the pages are read is met in the same way, and the log goes with its file."""
    before = LocalTraces(path, keep=1000)
    before.export([ended(n, n) for n in range(1, 500)])
    before.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    traces = LocalTraces(path, keep=1000)
    assert traces.recent(5) == []
    traces.export([ended(1, 2)])
    assert len(traces.recent(5)) == 1
    traces.close()


def test_a_storage_that_refuses_costs_spans_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written, the loss is told and the work goes on; where there is room again, so do traces."""
    path.mkdir()
    traces = LocalTraces(path)
    assert traces.export([ended(1, 2)]) is SpanExportResult.FAILURE
    assert "1 spans are lost" in caplog.text
    path.rmdir()
    assert traces.export([ended(1, 2)]) is SpanExportResult.SUCCESS
    traces.close()
