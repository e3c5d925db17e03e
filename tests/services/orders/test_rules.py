"""What may follow what in an order's life, and the words of its story."""

from datetime import UTC, datetime, timedelta
from itertools import product
from string import Formatter

import pytest

from aulario.contracts.story import Step
from aulario.services.orders import rules
from aulario.services.orders.rules import Status, may_become, sentence, story

LEGAL = {
    ("awaiting_course", "created"),
    ("created", "paid"),
    ("created", "failed"),
    ("failed", "created"),
    ("failed", "paid"),
}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_an_order_takes_legal_steps_only(before: Status, after: Status) -> None:
    """What is paid stays paid, and nothing returns to waiting for a course."""
    assert may_become(before, after) is ((before, after) in LEGAL)


def test_a_story_is_told_in_the_order_it_happened() -> None:
    """By time; where two things share an instant, orders come before payments before courses."""
    told = [_step("courses", 0), _step("payments", 0), _step("orders", 1), _step("orders", 0)]
    assert [(step.service, step.at) for step in story(told)] == [
        ("orders", NOON),
        ("payments", NOON),
        ("courses", NOON),
        ("orders", NOON + timedelta(seconds=1)),
    ]


@pytest.mark.parametrize("code", rules._SENTENCES)  # noqa: SLF001 - each sentence there is
def test_each_sentence_has_both_languages_and_the_same_facts(code: str) -> None:
    """A Spanish reader is told the same, in other words."""
    english, spanish = rules._SENTENCES[code]  # noqa: SLF001 - as above
    assert english != spanish
    assert _fields(english) == _fields(spanish)


def test_facts_cannot_reach_into_a_sentence() -> None:
    """A title with braces is a title."""
    step = Step(at=NOON, service="courses", code="student.enrolled", outcome="done", facts={"title": "{code} {0}"})
    assert sentence(step, "en") == "The student is enrolled in {code} {0}."


def _step(service: str, seconds: int) -> Step:
    return Step(at=NOON + timedelta(seconds=seconds), service=service, code="order.paid", outcome="done")


def _fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}
