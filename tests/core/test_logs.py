"""Logs: their form, what they carry, and what they never show."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from aulario.core.context import Context, use
from aulario.core.logs import HIDDEN, LONGEST, log, redacted, setup

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"
CANARY = "correct horse"


@pytest.fixture(autouse=True)
def library() -> Iterator[None]:
    """Leave the logging of this process as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # What is not ours to close must not be there when `setup` clears the table.
    root.handlers.clear()
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def fail(password: str) -> None:
    message = f"password='{password}'\n2026 [info] forged"
    raise ValueError(message)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_context(stream: io.StringIO) -> None:
    """Lines of one request can be joined with one another and with its trace."""
    setup(stream)
    context = Context.root("r1", tenant="acme", service="orders")
    with use(context):
        log("relay").info("moved", count=3)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "moved",
        "level": "info",
        "logger_name": "relay",
        "count": 3,
        "request_id": "r1",
        "trace_id": context.trace_id,
        "span_id": context.span_id,
        "tenant": "acme",
        "service": "orders",
    }


def test_a_line_outside_of_any_request_has_no_ids(stream: io.StringIO) -> None:
    """Start-up and housekeeping are nobody's request."""
    setup(stream)
    log("app").info("ready")
    assert set(lines(stream)[0]) == {"event", "level", "logger_name", "timestamp"}


def test_what_is_said_about_another_service_stands(stream: io.StringIO) -> None:
    """The context fills what the line does not say itself."""
    setup(stream)
    with use(Context.root(service="edge")):
        log("edge").warning("down", service="payments")
    assert lines(stream)[0]["service"] == "payments"


def test_a_logger_made_before_the_setup_obeys_it(stream: io.StringIO) -> None:
    """Modules make their loggers when they are imported."""
    early = log("early")
    setup(stream, level="warning")
    early.info("unheard")
    early.warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_other_libraries_log_through_it(stream: io.StringIO) -> None:
    """The lines of uvicorn and SQLAlchemy's warnings are ours in form, context and silence about secrets."""
    setup(stream)
    with use(Context.root("r1")):
        logging.getLogger("uvicorn.access").info("GET /reset?token=%s", CANARY)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("careful", stacklevel=1)
    access, warning = lines(stream)
    assert access["logger_name"] == "uvicorn.access"
    assert access["event"].startswith(f"GET /reset?token={HIDDEN}")
    assert access["request_id"] == "r1"
    assert (warning["logger_name"], warning["level"]) == ("py.warnings", "warning")


@pytest.mark.parametrize("pretty", [False, True])
def test_a_value_cannot_forge_a_line(stream: io.StringIO, pretty: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever a stranger sends, one call writes one line, and no code that moves a terminal's cursor."""
    setup(stream, pretty=pretty)
    evil = "x\r\n2026-11-21 [info] paid\x1b[2K\u2028\x85"
    log("edge").info(evil, name=evil, nested={"name": evil})
    logging.getLogger("other").info(evil)
    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert "\x1b[2K" not in text


@pytest.mark.parametrize("pretty", [False, True])
def test_an_exception_is_shown_without_values(stream: io.StringIO, pretty: bool) -> None:  # noqa: FBT001 - a parameter
    """A trace shows where it happened, neither what variables held nor a line of the exception's own making."""
    setup(stream, pretty=pretty)
    try:
        fail(CANARY.upper())
    except ValueError:
        log("edge").exception("failed")
    text = stream.getvalue()
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert CANARY.upper() not in text
    assert not any(line.startswith("2026 [info]") for line in text.splitlines())


def test_a_terminal_is_written_for_people(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line is readable; in a file it is data."""
    monkeypatch.setattr(stream, "isatty", lambda: True)
    setup(stream)
    log("app").info("ready")
    assert "ready" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_secrets_are_hidden_by_their_names(stream: io.StringIO) -> None:
    """A field that is named like a secret is not shown, however deep it stands."""
    setup(stream)
    log("edge").info("in", Password=CANARY, body={"items": [{"refresh_token": CANARY, "n": 1}]}, api_key=CANARY)
    assert CANARY not in stream.getvalue()
    assert lines(stream)[0]["body"] == {"items": [{"refresh_token": HIDDEN, "n": 1}]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"sent Bearer {JWT} on", f"sent Bearer {HIDDEN} on"),
        (f"[{JWT}]", f"[{HIDDEN}]"),
        ("Authorization: Basic YW5hOng=", f"Authorization: Basic {HIDDEN}"),
        ('{"password": "correct horse", "n": 1}', f'{{"password": {HIDDEN}, "n": 1}}'),
        ("{'new_password': 'say \"x\"', 'n': 1}", f"{{'new_password': {HIDDEN}, 'n': 1}}"),
        ("a=1&token=it's;2&b=3", f"a=1&token={HIDDEN}&b=3"),
        ("postgresql://ana:horse@db/x", f"postgresql://ana:{HIDDEN}@db/x"),
        ("password reset mail sent", "password reset mail sent"),
        ("http://localhost:8000/a", "http://localhost:8000/a"),
    ],
)
def test_secrets_are_hidden_inside_texts(text: str, shown: str) -> None:
    """Addresses, headers and bodies that are quoted in a text show no secret, and the rest of it stays."""
    assert redacted(text) == shown


def test_a_secret_inside_quoted_json_is_hidden() -> None:
    """JSON within JSON has its quotes escaped, and hides its secrets all the same."""
    assert CANARY not in redacted(json.dumps({"body": json.dumps({"password": CANARY})}))


SAFE = st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"], exclude_characters="&"), min_size=1)


@given(SAFE, st.sampled_from(['{"secret": %s}', "secret=%s&x", "cookie: %s"]))
@example("a\\", '{"secret": %s}')
def test_no_part_of_a_quoted_secret_is_left(secret: str, template: str) -> None:
    """Whatever characters a secret is made of, it goes as a whole."""
    marked = f"{secret}CANARY"
    text = template % (json.dumps(marked) if "{" in template else marked)
    assert "CANARY" not in redacted(text)


def test_things_are_written_as_plain_data() -> None:
    """What is no plain data is written as its text, cut to size, and never without an end."""
    circle: list[Any] = []
    circle.append(circle)
    assert "..." in str(redacted(circle))
    assert redacted({1: (b"x", frozenset({2}), ValueError("token=x"))}) == {"1": ["x", [2], f"token={HIDDEN}"]}
    assert len(redacted("x" * 10 * LONGEST)) == LONGEST + 3
