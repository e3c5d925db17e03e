"""What requests about payments send, and what they are answered."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from aulario.core.endpoints import Body, Reply

Id = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[0-9A-Za-z-]+$")]


class PaymentIn(Body):
    """A payment that another service asks for: `attempt` is 1 for the first try to pay an order."""

    order_id: Id
    user_id: Id
    total_amount: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=2)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    attempt: Annotated[int, Field(ge=1, le=1000)]


class PaymentOut(Reply):
    """One attempt to pay one order; `reference` is the gateway's own name for the charge."""

    id: str
    order_id: str
    attempt: int
    user_id: str
    amount: Decimal
    currency: str
    gateway: str
    status: str
    reference: str | None
    reason: str | None
    created_at: datetime
    completed_at: datetime | None
