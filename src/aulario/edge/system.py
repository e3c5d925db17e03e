"""The platform's own addresses: whether it lives, whether it can serve, its figures, its traces."""

import asyncio

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST

from aulario.backends.traces import Span, Traces
from aulario.contracts.identity import Role
from aulario.core import telemetry
from aulario.core.endpoints import Reply, Working
from aulario.core.errors import Forbidden, NotFound
from aulario.core.health import Health
from aulario.core.routing import PUBLIC, Routes, only
from aulario.core.unit_of_work import NOTHING
from aulario.edge.hops import Hops

routes = Routes("edge")


class SpanOut(Reply):
    """One span of a trace; times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    tenant: str
    start_ns: int
    end_ns: int
    error: str
    attributes: dict[str, str | int | float | bool]


@routes.to("GET", "/health/live", PUBLIC)
async def live() -> dict[str, str]:
    """Tell that a restart would not help; asks nobody."""
    return {"status": "alive"}


@routes.to("GET", "/health/ready", PUBLIC)
async def ready(work: Working) -> dict[str, str]:
    """Tell whether requests can be served; not while starting or draining."""
    return await work.backend(Health).check()


@routes.to("GET", "/metrics", PUBLIC)
async def metrics(work: Working) -> Response:
    """Give the figures for Prometheus, to trusted networks only."""
    if not work.backend(Hops).is_trusted(work.address):
        message = "figures are for the installation's own networks"
        raise Forbidden(message)
    return Response(telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)


@routes.to("GET", "/api/system/traces/{trace_id}", only(Role.ADMIN, Role.OPERATOR))
async def show_trace(trace_id: str, work: Working) -> list[SpanOut]:
    """Give what your academy's part of a trace left behind, oldest first."""
    spans = await asyncio.to_thread(_spans, work.backend(Traces), trace_id)
    mine = [span for span in spans if span.tenant == work.caller.tenant]
    if not mine:
        raise NotFound(NOTHING)
    return [SpanOut.model_validate(span) for span in mine]


def _spans(traces: Traces | None, trace_id: str) -> list[Span]:
    """Give a trace's spans, those included that have just ended; blocks. None where no traces are kept."""
    telemetry.flush()
    return traces.trace(trace_id) if traces else []
