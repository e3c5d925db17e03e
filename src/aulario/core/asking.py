"""Asks another service's question: a call in this process, with a bounded wait and a span of its own."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from aulario.contracts.question import Question
from aulario.core import telemetry
from aulario.core.context import Context
from aulario.core.errors import Unavailable
from aulario.core.unit_of_work import Store

Answer = TypeVar("Answer")


class Answerer(NamedTuple):
    """Who answers a question: a query, and the database it looks into."""

    store: Store
    query: Callable[..., Any]


class Asking:
    """Knows who answers what."""

    def __init__(self) -> None:
        self._answerers: dict[type[Question[Any]], Answerer] = {}

    def answers(self, question: type[Question[Any]], answerer: Answerer) -> None:
        self._answerers[question] = answerer

    async def ask(self, service: str, context: Context, question: Question[Answer]) -> Answer:
        """Ask in the asker's tenant; raises Unavailable when the answer does not come in the question's time."""
        answerer = self._answerers.get(type(question))
        if answerer is None:
            raise _unanswered(question)
        name = type(question).__name__
        attributes = {"peer.service": question.service, "rpc.method": name}
        with telemetry.span(name, "client", service=service, parent=context, attributes=attributes) as span:
            try:
                answer: Answer = await asyncio.wait_for(
                    answerer.store.read(span.context, answerer.query, question), question.seconds
                )
            except TimeoutError as error:
                raise _unanswered(question) from error
            return answer


def _unanswered(question: Question[Any]) -> Unavailable:
    return Unavailable(f"{question.service} does not answer now; try again in a moment", retry_after=2)
