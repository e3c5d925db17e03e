"""Every write of payments."""

from aulario.backends.payments import Charge, Charged
from aulario.contracts.orders import OrderCreated, OrderRetried
from aulario.contracts.payments import PaymentCompleted, PaymentFailed
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7
from aulario.services.payments import queries, rules
from aulario.services.payments.models import Payment
from aulario.services.payments.rules import Status

GATEWAY = "simulated"
"""The gateway of every tenant, until tenants may choose their own."""


def open_payment(uow: UnitOfWork, order: OrderCreated | OrderRetried) -> Charge | None:
    """Make an order's payment, or find the one made before a crash; None when it is at its end already."""
    found = queries.attempt(uow, order.order_id, order.attempt)
    if found is not None:
        return None if rules.is_ended(found.status) else Charge(found.id, uow.tenant, found.amount, found.currency)
    made = uow.add(
        Payment(
            id=uuid7(),
            order_id=order.order_id,
            attempt=order.attempt,
            user_id=order.user_id,
            amount=order.total_amount,
            currency=order.currency,
            gateway=GATEWAY,
            # Created and handed to the gateway in one breath: the call follows this commit.
            status=rules.step(Status.CREATED, Status.PENDING),
            reference=None,
            reason=None,
            created_at=uow.now,
            completed_at=None,
        )
    )
    return Charge(made.id, uow.tenant, made.amount, made.currency)


def end_payment(uow: UnitOfWork, order: OrderCreated | OrderRetried, charged: Charged) -> None:
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
