"""What a question is: a frozen shape that one service answers, typed by its answer."""

from typing import ClassVar, Generic, TypeVar

import msgspec

Answer = TypeVar("Answer")


class Question(msgspec.Struct, Generic[Answer], frozen=True, kw_only=True):
    """Asked of `service` in the asker's tenant; the answer is true this instant, or it is not had."""

    service: ClassVar[str]
    seconds: ClassVar[float] = 2.0
    """How long the asker waits before it is told that the service is unavailable."""
