"""Every read of payments."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import bindparam, select

from aulario.contracts.payments import PaymentSteps
from aulario.contracts.story import Step
from aulario.core.pagination import Page
from aulario.core.stories import held_steps
from aulario.core.unit_of_work import View
from aulario.services.payments.models import Payment
from aulario.services.payments.rules import Status, is_ended

_PAYMENT = select(Payment).where(Payment.id == bindparam("id"))
_ATTEMPT = select(Payment).where(Payment.order_id == bindparam("order_id"), Payment.attempt == bindparam("attempt"))
_OF_ORDER = select(Payment).where(Payment.order_id == bindparam("order_id")).order_by(Payment.attempt)
_PAYMENTS = (
    select(Payment).where(Payment.id < bindparam("before")).order_by(Payment.id.desc()).limit(bindparam("limit"))
)


def payment(view: View, payment_id: str) -> Payment:
    """Give a payment; raises NotFound."""
    return view.one(_PAYMENT, id=payment_id)


def attempt(view: View, order_id: str, number: int) -> Payment | None:
    """Give an order's payment by its attempt, 1 for the first."""
    return view.first(_ATTEMPT, order_id=order_id, attempt=number)


def payments(view: View, page: Page) -> Sequence[Payment]:
    """Give a page's payments and one more."""
    return view.all(_PAYMENTS, before=page.before, limit=page.limit + 1)


def steps(view: View, question: PaymentSteps) -> list[Step]:
    """Answer what became of an order's payments."""
    told = [step for found in view.all(_OF_ORDER, order_id=question.order_id) for step in _steps(found)]
    return told + held_steps(view, "payments", question.order_id)


def _steps(found: Payment) -> list[Step]:
    facts = {
        "attempt": str(found.attempt),
        "amount": str(found.amount),
        "currency": found.currency,
        "gateway": found.gateway,
        "reason": found.reason or "",
    }
    ended = is_ended(found.status)
    opened = Step(
        at=found.created_at,
        service="payments",
        code="payment.opened",
        outcome="done" if ended else "waiting",
        facts=facts,
    )
    if not ended or found.completed_at is None:
        return [opened]
    outcome: Literal["done", "failed"] = "done" if found.status == Status.PAID else "failed"
    code = f"payment.{found.status}"
    return [opened, Step(at=found.completed_at, service="payments", code=code, outcome=outcome, facts=facts)]
