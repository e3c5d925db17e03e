"""Keeps spans in one SQLite file that any process can read; expendable, so a file that is corrupt is set aside."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id

from aulario.backends.traces import Span, Summary

T = TypeVar("T")

KEEP = 20_000
TRIM = 2
"""Spans forgotten for each one stored, at most: more than one, so that a lowered bound is reached, in small steps."""

# All that is formatted in is our own field names.
_FIELDS = ", ".join(Span.__struct_fields__)
_CREATE = f"CREATE TABLE IF NOT EXISTS spans (number INTEGER PRIMARY KEY, {_FIELDS}, UNIQUE (trace_id, span_id))"
_STORE = f"INSERT OR IGNORE INTO spans ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - see above
_TRIM = """DELETE FROM spans WHERE number IN
(SELECT number FROM spans WHERE number <= (SELECT max(number) FROM spans) - ? ORDER BY number LIMIT ?)"""
_TRACE = f"SELECT {_FIELDS} FROM spans WHERE trace_id = ? ORDER BY start_ns, number"  # noqa: S608 - see above
# Beside a lone min(), SQLite takes the bare columns from the row that has the minimum.
_RECENT = """SELECT trace_id, name, tenant, start, (SELECT max(end_ns) FROM spans s WHERE s.trace_id = t.trace_id),
spans, errors FROM (SELECT trace_id, name, tenant, min(start_ns) AS start, count(*) AS spans, sum(error <> '') AS errors
FROM spans GROUP BY trace_id ORDER BY start DESC LIMIT ?) t"""

_log = logging.getLogger(__name__)


class LocalTraces(SpanExporter):
    """See the contract; `keep` is the number of spans."""

    def __init__(self, path: Path, *, keep: int = KEEP) -> None:
        self.path = path
        self._keep = keep
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        rows = [_row(span) for span in spans]

        def store(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(_STORE, rows)
                connection.execute(_TRIM, (self._keep, TRIM * len(rows)))

        try:
            self._run(store)
        except sqlite3.Error as error:
            _log.warning("%d spans are lost: %s", len(rows), error)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def trace(self, trace_id: str) -> list[Span]:
        rows = self._run(lambda connection: connection.execute(_TRACE, (trace_id,)).fetchall())
        return [_span(row) for row in rows]

    def recent(self, limit: int) -> list[Summary]:
        rows = self._run(lambda connection: connection.execute(_RECENT, (limit,)).fetchall())
        return [Summary(*row) for row in rows]

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work on the file; when it turns out to be corrupt, on a new one."""
        with self._lock:
            try:
                return work(self._open())
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                _log.warning("%s is set aside, and its traces with it: %s", self.path, error)
            self._set_aside()
            return work(self._open())

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self.path, timeout=5, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                # Nobody was promised these rows: a power cut may take the file, and no disk is waited for.
                connection.execute("PRAGMA synchronous=OFF")
                connection.execute(_CREATE)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set_aside(self) -> None:
        """Rename the file to `.corrupt`, over an earlier one: what is kept to be looked at must not grow either."""
        self._forget()
        # The log goes with its file: beside a new one it would be read into it.
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{self.path}{suffix}")
            if part.exists():
                part.replace(f"{self.path}.corrupt{suffix}")


def _span(row: Sequence[Any]) -> Span:
    values = [*row[:-1], msgspec.json.decode(row[-1])]
    return Span(*values)


def _row(span: ReadableSpan) -> tuple[str | int | bytes, ...]:
    """Give the columns of a span, in the order of our Span's fields."""
    attributes = dict(span.attributes or {})
    return (
        format_trace_id(span.context.trace_id),
        format_span_id(span.context.span_id),
        format_span_id(span.parent.span_id) if span.parent else "",
        span.name,
        span.kind.name,
        str(attributes.get("aulario.service", "")),
        str(attributes.get("aulario.tenant", "")),
        span.start_time or 0,
        span.end_time or 0,
        "" if span.status.is_ok else str(attributes.get("error.type", "error")),
        msgspec.json.encode(attributes),
    )
