"""Problems and what a client sees of them."""

import pytest

from aulario.core import errors
from aulario.core.errors import NotFound, Problem, TooManyRequests, Unauthorized, Unavailable

STATUSES = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "TooLarge": 413,
    "Unprocessable": 422,
    "TooManyRequests": 429,
    "Unavailable": 503,
}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_each_problem_is_complete(name: str, status: int) -> None:
    """Every problem has its status, a type of its own and a title in both languages."""
    problem: Problem = getattr(errors, name)("Because.")
    english, spanish = problem.as_dict("r1"), problem.as_dict("r1", "es")
    assert english["status"] == spanish["status"] == status
    assert english["type"] == spanish["type"] == f"/problems/{problem.slug}"
    assert english["title"] == problem.title
    assert spanish["title"] not in ("", problem.title)


def test_types_are_distinct() -> None:
    """No two problems share a type."""
    assert len({getattr(errors, name).slug for name in STATUSES}) == len(STATUSES)


def test_members_are_those_of_rfc_9457() -> None:
    """The body has the standard's members, the request's id and the extras."""
    assert NotFound("No such order.", order="o1").as_dict("r1") == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "No such order.",
        "request_id": "r1",
        "order": "o1",
    }


def test_extras_cannot_replace_a_member() -> None:
    """An extra named like a member of the standard is not shown in its place."""
    body = NotFound("No such order.", status=200, request_id="forged").as_dict("r1")
    assert (body["status"], body["request_id"]) == (404, "r1")


TAGS = [("es-AR", "No encontrado"), ("ES", "No encontrado"), ("fr", "Not found")]


@pytest.mark.parametrize(("language", "title"), TAGS)
def test_language_is_a_tag(language: str, title: str) -> None:
    """Regions and case of the tag do not matter; an unknown language gets English."""
    assert NotFound("Gone.").as_dict("r1", language)["title"] == title


@pytest.mark.parametrize("kind", [TooManyRequests, Unavailable])
def test_retry_after_is_in_whole_seconds(kind: type[TooManyRequests | Unavailable]) -> None:
    """The wait is rounded up, never 0, and is in body and header alike."""
    problem = kind("Later.", retry_after=2.1)
    assert problem.as_dict("r1")["retry_after"] == problem.retry_after == 3
    assert problem.headers() == {"Retry-After": "3"}
    assert kind("Later.", retry_after=0.0).retry_after == 1


def test_unauthorized_names_the_scheme() -> None:
    """A 401 says how to sign in, as RFC 9110 asks; most problems need no header."""
    assert Unauthorized("No.").headers() == {"WWW-Authenticate": "Bearer"}
    assert NotFound("No.").headers() == {}
