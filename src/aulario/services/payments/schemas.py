"""What requests about payments are answered."""

from datetime import datetime
from decimal import Decimal

from aulario.core.endpoints import Reply


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
