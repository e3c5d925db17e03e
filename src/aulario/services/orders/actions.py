"""Every write of orders."""

from typing import TypeVar

from msgspec import structs

from aulario.contracts.courses import CoursePublished
from aulario.contracts.orders import Item, OrderCreated, OrderPaid, OrderRetried
from aulario.contracts.payments import PaymentCompleted, PaymentFailed
from aulario.core.auth import Caller
from aulario.core.errors import Conflict
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7
from aulario.services.orders import access, queries, rules
from aulario.services.orders.models import Offer, Order
from aulario.services.orders.rules import Status

Payable = TypeVar("Payable", OrderCreated, OrderRetried)


def order_welcome(uow: UnitOfWork, user_id: str) -> None:
    """Give a person their one welcome order; it waits where the academy has no welcome course yet."""
    if queries.welcome_order(uow, user_id) is not None:
        return
    offer = queries.welcome_offer(uow)
    order = uow.add(
        Order(
            id=uuid7(),
            user_id=user_id,
            welcome=True,
            status=Status.CREATED if offer else Status.AWAITING_COURSE,
            product_id=offer.course_id if offer else None,
            total_amount=offer.price if offer else rules.NOTHING,
            currency=offer.currency if offer else "",
            attempt=1,
            reason=None,
            created_at=uow.now,
            changed_at=uow.now,
        )
    )
    if offer:
        uow.record(_payable(OrderCreated, order))


def keep_offer(uow: UnitOfWork, course: CoursePublished) -> None:
    """Keep our copy of a course's newest terms, and serve those who waited for a welcome course."""
    known = queries.offer(uow, course.course_id)
    if known is None:
        uow.add(Offer(**structs.asdict(course)))
    elif known.published_at < course.published_at:
        uow.amend(Offer, course.course_id, **structs.asdict(course))
    offer = queries.welcome_offer(uow)
    if offer is not None:
        for order in queries.awaiting_course(uow):
            _price(uow, order.id, offer)


def settle(uow: UnitOfWork, payment: PaymentCompleted | PaymentFailed) -> None:
    """Follow a payment that ended; what is no legal step, such as an older attempt's refusal, changes nothing."""
    order = queries.order_if_ours(uow, payment.order_id)
    if order is None:
        return
    paid = isinstance(payment, PaymentCompleted)
    status = Status.PAID if paid else Status.FAILED
    stale = not paid and payment.attempt != order.attempt
    if stale or not rules.may_become(order.status, status):
        return
    uow.amend(Order, order.id, status=status, reason=payment.reason, changed_at=uow.now)
    if paid:
        uow.record(OrderPaid(order_id=order.id, user_id=order.user_id, items=_items(order), paid_at=uow.now))


def retry(uow: UnitOfWork, caller: Caller, order_id: str) -> Order:
    """Try to pay a failed order again, for its owner; raises NotFound, and Conflict when it did not fail."""
    order = access.own(caller, queries.order(uow, order_id))
    if order.status != Status.FAILED:
        message = f"only a failed order can be paid again; this one is {order.status}"
        raise Conflict(message)
    uow.amend(Order, order.id, status=Status.CREATED, attempt=order.attempt + 1, reason=None, changed_at=uow.now)
    retried = queries.order(uow, order_id)
    uow.record(_payable(OrderRetried, retried))
    return retried


def _price(uow: UnitOfWork, order_id: str, offer: Offer) -> None:
    """Let an order go on that waited for a course."""
    terms = {"product_id": offer.course_id, "total_amount": offer.price, "currency": offer.currency}
    uow.amend(Order, order_id, status=Status.CREATED, changed_at=uow.now, **terms)
    uow.record(_payable(OrderCreated, queries.order(uow, order_id)))


def _payable(event: type[Payable], order: Order) -> Payable:
    return event(
        order_id=order.id,
        user_id=order.user_id,
        items=_items(order),
        total_amount=order.total_amount,
        currency=order.currency,
        attempt=order.attempt,
        created_at=order.created_at,
    )


def _items(order: Order) -> tuple[Item, ...]:
    return (Item(product_id=order.product_id or "", quantity=1, price=order.total_amount),)
