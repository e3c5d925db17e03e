"""Questions between services: answered in the asker's tenant and in time, or not at all."""

import threading
from typing import ClassVar

import pytest

from aulario.contracts.question import Question
from aulario.core.asking import Answerer, Asking
from aulario.core.context import Context
from aulario.core.errors import Unavailable
from aulario.core.unit_of_work import Store, View
from tests.core.conftest import NORTH, SOUTH
from tests.core.sample import post, texts


class TextsOf(Question[list[str]], frozen=True):
    """What is written."""

    service: ClassVar[str] = "writer"

    ending: str


class Impatient(TextsOf, frozen=True):
    seconds: ClassVar[float] = 0.01


def answer(view: View, question: TextsOf) -> list[str]:
    return [text for text in texts(view) if text.endswith(question.ending)]


@pytest.fixture
def asking(store: Store) -> Asking:
    asking = Asking()
    asking.answers(TextsOf, Answerer(store, answer))
    return asking


async def test_a_question_is_answered_by_its_service(asking: Asking, store: Store) -> None:
    """From what is committed there, with the question's own words."""
    for text in ("apple", "plum", "maple"):
        await store.work(NORTH, post, text)
    assert await asking.ask("reader", NORTH, TextsOf(ending="ple")) == ["apple", "maple"]


async def test_a_question_stays_in_the_askers_tenant(asking: Asking, store: Store) -> None:
    """The answer is what the asker's tenant may see, whatever is asked."""
    await store.work(NORTH, post, "secret")
    assert await asking.ask("reader", SOUTH, TextsOf(ending="")) == []


async def test_a_late_answer_is_none(asking: Asking, store: Store) -> None:
    """Past the question's time the asker is told that the service is unavailable, and when to come back."""
    gate = threading.Event()

    def slow(_: View, question: TextsOf) -> list[str]:
        gate.wait(10)
        return [question.ending]

    asking.answers(Impatient, Answerer(store, slow))
    with pytest.raises(Unavailable, match="writer does not answer now") as caught:
        await asking.ask("reader", NORTH, Impatient(ending=""))
    gate.set()
    assert caught.value.retry_after == 2


async def test_a_question_nobody_answers_is_told_at_once(asking: Asking) -> None:
    """A service that is not part of this installation is unavailable, not an error of ours."""
    with pytest.raises(Unavailable, match="writer does not answer"):
        await asking.ask("reader", NORTH, Impatient(ending=""))


async def test_an_error_of_the_answerer_is_its_own(asking: Asking, store: Store) -> None:
    """It reaches the asker as it is; nothing is made up in its place."""

    def fail(_: View, question: TextsOf) -> list[str]:
        raise LookupError(question.ending)

    asking.answers(TextsOf, Answerer(store, fail))
    with pytest.raises(LookupError, match="x"):
        await asking.ask("reader", Context.root(tenant="north"), TextsOf(ending="x"))
