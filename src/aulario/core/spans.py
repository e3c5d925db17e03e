"""Spans: pieces of work in a trace. Most are not recorded, and cost next to nothing."""

import time
from functools import cache
from typing import Literal, Self, TypeAlias

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from aulario.core.context import CURRENT, Context
from aulario.core.errors import Problem

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Value: TypeAlias = str | bool | int | float

STATUS = "http.response.status_code"
SERVER_ERROR = 500

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Span:
    """A piece of work and the context it gives its parts; this one is not recorded, and costs next to nothing."""

    __slots__ = ("_token", "context")

    def __init__(self, context: Context) -> None:
        self.context = context

    def set(self, key: str, value: Value) -> None:
        """Note something about the work: never a secret, never what a person wrote."""

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self.context)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        CURRENT.reset(self._token)


class RecordedSpan(Span):
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

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
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


def _span_context(context: Context) -> SpanContext:
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=False, trace_flags=_SAMPLED)


@cache
def _resource(service: str) -> Resource:
    """Give what OpenTelemetry calls the producer of a span: in one process, still one for each service."""
    return Resource({"service.name": service, "service.namespace": "aulario"})
