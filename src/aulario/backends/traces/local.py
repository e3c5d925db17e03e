"""`local:` keeps the newest spans in one SQLite file of the data folder."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from aulario.backends.traces import Span, Traces

_TABLE = """CREATE TABLE IF NOT EXISTS spans (sequence INTEGER PRIMARY KEY, trace_id TEXT NOT NULL, start_ns INTEGER NOT NULL,
span TEXT NOT NULL)"""
_INDEX = "CREATE INDEX IF NOT EXISTS spans_trace ON spans (trace_id)"
_ADD = "INSERT INTO spans (trace_id, start_ns, span) VALUES (?, ?, ?)"
_TRIM = "DELETE FROM spans WHERE sequence <= (SELECT max(sequence) FROM spans) - ?"


class LocalTraces(Traces, SpanExporter):
    """`most` is how many spans are kept. A file that cannot be read is set aside, for traces may be lost."""

    def __init__(self, path: Path, most: int = 20_000) -> None:
        self.exporter = self
        self._most, self._lock = most, Lock()
        try:
            self._file = _open(path)
        except sqlite3.DatabaseError:
            path.rename(path.with_suffix(".damaged"))
            self._file = _open(path)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        rows = [(one.trace_id, one.start_ns, msgspec.json.encode(one).decode()) for one in map(_span, spans)]
        with self._lock, self._file:
            self._file.executemany(_ADD, rows)
            self._file.execute(_TRIM, (self._most,))
        return SpanExportResult.SUCCESS

    def trace(self, trace_id: str) -> Sequence[Span]:
        with self._lock:
            query = "SELECT span FROM spans WHERE trace_id = ? ORDER BY start_ns, sequence"
            rows = self._file.execute(query, (trace_id,)).fetchall()
        return [msgspec.json.decode(span, type=Span) for (span,) in rows]

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _open(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, check_same_thread=False)
    # Traces are for looking at: losing the last of them in a crash is cheaper than waiting for the disk.
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", _TABLE, _INDEX):
        file.execute(statement)
    return file


def _span(span: ReadableSpan) -> Span:
    own = span.get_span_context()
    attributes = {key: value for key, value in (span.attributes or {}).items() if isinstance(value, str | int | float)}
    return Span(
        trace_id=f"{own.trace_id:032x}" if own else "",
        span_id=f"{own.span_id:016x}" if own else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        name=span.name,
        kind=span.kind.name.lower(),
        service=str(attributes.pop("aulario.service", "")),
        tenant=str(attributes.pop("aulario.tenant", "")),
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        error=None if span.status.is_ok or span.status.is_unset else str(attributes.pop("error.type", "error")),
        attributes=attributes,
    )
