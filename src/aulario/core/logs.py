"""Log lines: JSON for machines, pretty on a terminal, each with its request, trace, tenant and service; no secrets."""

import logging
import sys
from typing import Any

import structlog

from aulario.core.context import current

_SECRET = ("password", "token", "secret", "authorization", "cookie", "api_key")


def setup(*, pretty: bool, level: str) -> None:
    """Write lines of this level and above to standard error."""
    render: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _of_context,
            _without_secrets,
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def log(name: str) -> Any:
    return structlog.get_logger(part=name)


def _of_context(_: Any, __: str, line: Any) -> Any:
    context = current()
    ids = {"request_id": context.request_id, "trace_id": context.trace_id, "tenant": context.tenant}
    return line | {name: value for name, value in ids.items() if value}


def _without_secrets(_: Any, __: str, line: Any) -> Any:
    return {key: "***" if any(word in key.lower() for word in _SECRET) else value for key, value in line.items()}
