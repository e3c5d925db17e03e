"""Every write of payments."""

from decimal import Decimal
from typing import NamedTuple

from aulario.backends.payments import Charge, Charged
from aulario.contracts.orders import OrderCreated, OrderRetried
from aulario.contracts.payments import PaymentCompleted, PaymentFailed, PaymentRequested
from aulario.core.errors import Conflict
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7
from aulario.services.payments import queries, rules
from aulario.services.payments.models import Payment
from aulario.services.payments.rules import Status

GATEWAY = "simulated"
"""The gateway of every tenant, until tenants may choose their own."""


Payable = OrderCreated | OrderRetried | PaymentRequested


class NewPayment(NamedTuple):
    """What is to be paid, and which try it is."""

    order_id: str
    attempt: int
    user_id: str
    total_amount: Decimal
    currency: str


def request_payment(uow: UnitOfWork, new: NewPayment) -> Payment:
    """Begin an order's payment for another service, or find it; raises Conflict when it is for another sum."""
    found = queries.attempt(uow, new.order_id, new.attempt)
    if found is None:
        uow.record(PaymentRequested(**new._asdict(), requested_at=uow.now))
        return _add(uow, new, Status.CREATED)
    if (found.user_id, found.amount, found.currency) != (new.user_id, new.total_amount, new.currency):
        message = "this attempt to pay this order is for another person or sum"
        raise Conflict(message)
    return found


def open_payment(uow: UnitOfWork, order: Payable) -> Charge | None:
    """Make an order's payment, or find the one made before a crash; None when it is at its end already."""
    payment = queries.attempt(uow, order.order_id, order.attempt)
    if payment is None:
        # Created and handed to the gateway in one breath: the call follows this commit.
        payment = _add(uow, order, rules.step(Status.CREATED, Status.PENDING))
    elif rules.is_ended(payment.status):
        return None
    elif payment.status == Status.CREATED:
        uow.amend(Payment, payment.id, status=rules.step(payment.status, Status.PENDING))
    return Charge(payment.id, uow.tenant, payment.amount, payment.currency)


def end_payment(uow: UnitOfWork, order: Payable, charged: Charged) -> None:
    """Store what the gateway said, and tell it; a payment that ended before stays as it ended."""
    payment = queries.attempt(uow, order.order_id, order.attempt)
    if payment is None or rules.is_ended(payment.status):
        return
    status = rules.step(payment.status, Status(charged.outcome))
    uow.amend(
        Payment,
        payment.id,
        status=status,
        reference=charged.reference,
        reason=charged.reason,
        completed_at=uow.now,
    )
    ended = PaymentCompleted if status == Status.PAID else PaymentFailed
    uow.record(
        ended(
            payment_id=payment.id,
            order_id=payment.order_id,
            attempt=payment.attempt,
            user_id=payment.user_id,
            amount=payment.amount,
            currency=payment.currency,
            gateway=payment.gateway,
            status=status,
            reason=charged.reason,
            completed_at=uow.now,
        )
    )


def _add(uow: UnitOfWork, wanted: NewPayment | Payable, status: Status) -> Payment:
    return uow.add(
        Payment(
            id=uuid7(),
            order_id=wanted.order_id,
            attempt=wanted.attempt,
            user_id=wanted.user_id,
            amount=wanted.total_amount,
            currency=wanted.currency,
            gateway=GATEWAY,
            status=status,
            reference=None,
            reason=None,
            created_at=uow.now,
            completed_at=None,
        )
    )
