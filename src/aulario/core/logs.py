"""Structured logs: JSON lines, or readable ones on a terminal, each with its context and none with a secret."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from aulario.core.context import CURRENT

HIDDEN = "***"
LONGEST = 16_000
"""Characters of a value that are written out: what somebody sends must not fill the disk."""
DEEPEST = 8
"""Levels of nesting that are written out: what refers to itself must not end a request."""

_HINT = r"(?:passw|secret|token|authorization|cookie|credential|private.?key|api.?key)"
_SECRET_KEY = re.compile(_HINT, re.IGNORECASE)
_SECRETS_IN_TEXT = (
    (re.compile(r"\b(bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # A JSON web token, signed or encrypted.
    (re.compile(r"\beyJ[\w-]{1,2048}\.[\w-]*(?:\.[\w-]*){0,3}"), HIDDEN),
    # password=..., "token": "...", Authorization: Basic ...: as addresses, bodies and exceptions have them.
    (
        re.compile(
            rf"({_HINT}\w{{0,32}}[\\\"']{{0,3}}\s{{0,3}}[:=]\s{{0,3}}(?:bearer\s|basic\s)?)"
            r"(?:\\*(?P<quote>[\"']))?(?(quote)(?:\\.|(?!(?P=quote))[^\\])*(?P=quote)?|[^\s&]+)",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{HIDDEN}",
    ),
    # The password in an address: postgresql://user:password@host.
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def setup(stream: TextIO | None = None, *, level: str = "INFO", pretty: bool | None = None) -> None:
    """Send all logs, the standard library's and warnings too, to a stream: standard error, unless one is given.

    `pretty` is for people; None: when the stream is a terminal. uvicorn must be started with `log_config=None`.
    """
    stream = stream or sys.stderr
    for_people = stream.isatty() if pretty is None else pretty
    ours = [*_COMMON, *(_FOR_PEOPLE if for_people else _FOR_MACHINES)]
    structlog.configure(
        processors=ours,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ProcessorFormatter(processors=[_from_record, *ours]))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)


def log(name: str) -> FilteringBoundLogger:
    """Give the logger of a module."""
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


def redacted(value: object, depth: int = 0) -> Any:
    """Give a value as it may be written out: plain data, cut to size, without secrets."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {str(k): HIDDEN if _SECRET_KEY.search(str(k)) else redacted(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item, depth + 1) for item in value]
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    for secret, harmless in _SECRETS_IN_TEXT:
        text = secret.sub(harmless, text)
    return text


def _redacted(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: HIDDEN if _SECRET_KEY.search(key) else redacted(value) for key, value in event.items()}


def _with_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    context = CURRENT.get()
    if context is not None:
        for name in ("request_id", "trace_id", "span_id", "tenant", "service"):
            event.setdefault(name, getattr(context, name))
    return event


def _from_record(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take what we need of a record of the standard library's."""
    event["logger_name"] = event.pop("_record").name
    del event["_from_structlog"]
    return event


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep a value from looking like a line of its own, or from moving the reader's cursor."""
    for key, value in event.items():
        if isinstance(value, str):
            escape = _indented if key == "exception" else _escaped
            event[key] = escape(value)
    return event


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _indented(text: str) -> str:
    return "\n".join(f"  {_escaped(line)}" for line in text.split("\n"))


_COMMON: list[Processor] = [
    structlog.processors.format_exc_info,
    _redacted,
    # What is ours goes in after the search for secrets, which would cost more than all the rest.
    _with_context,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
]
_FOR_MACHINES: list[Processor] = [structlog.processors.JSONRenderer()]
# The plain traceback: the default one prints the values of local variables, passwords among them.
_FOR_PEOPLE: list[Processor] = [_on_one_line, ConsoleRenderer(exception_formatter=plain_traceback)]
