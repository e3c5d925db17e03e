"""payments: money that moved, or did not."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from aulario.contracts.event import Event
from aulario.contracts.question import Question
from aulario.contracts.story import Step


class PaymentRequested(Event, frozen=True):
    """Another service asked for a payment that no order's own event announced."""

    type: ClassVar[str] = "payment.requested.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None

    order_id: str
    attempt: int
    user_id: str
    total_amount: Decimal
    currency: str
    requested_at: datetime


class _PaymentEnded(Event, frozen=True, kw_only=True):
    """What is told of a payment that came to an end."""

    payment_id: str
    order_id: str
    attempt: int
    user_id: str
    amount: Decimal
    currency: str
    gateway: str
    status: str
    reason: str | None
    completed_at: datetime


class PaymentCompleted(_PaymentEnded, frozen=True):
    """The money arrived."""

    type: ClassVar[str] = "payment.completed.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None


class PaymentFailed(_PaymentEnded, frozen=True):
    """The gateway refused; nothing was taken."""

    type: ClassVar[str] = "payment.failed.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None


class PaymentSteps(Question[list[Step]], frozen=True):
    """What became of an order's payments, in order."""

    service: ClassVar[str] = "payments"

    order_id: str
