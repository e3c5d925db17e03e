"""What requests about orders send, and what they are answered."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from aulario.core.endpoints import Reply


class OrderOut(Reply):
    """An order; `product_id` is a course, null while the academy has none to give."""

    id: str
    user_id: str
    welcome: bool
    status: str
    product_id: str | None
    total_amount: Decimal
    currency: str
    attempt: int
    reason: str | None
    created_at: datetime
    changed_at: datetime


class StepOut(Reply):
    """One step of a story: `text` in the reader's language, `code` and `facts` for programs."""

    at: datetime
    service: str
    code: str
    outcome: Literal["done", "waiting", "failed"]
    facts: dict[str, str]
    text: str


class StoryOut(Reply):
    """Why a learner is, or is not, in a course."""

    order: OrderOut
    steps: list[StepOut]
