"""Every read of orders."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from aulario.contracts.story import Step
from aulario.core.pagination import Page
from aulario.core.stories import held_steps
from aulario.core.unit_of_work import View
from aulario.services.orders.models import Offer, Order
from aulario.services.orders.rules import Status

_ORDER = select(Order).where(Order.id == bindparam("id"))
_WELCOME_ORDER = select(Order).where(Order.user_id == bindparam("user_id"), Order.welcome)
_AWAITING = select(Order).where(Order.status == Status.AWAITING_COURSE)
_ORDERS = select(Order).where(Order.id < bindparam("before")).order_by(Order.id.desc()).limit(bindparam("limit"))
_ORDERS_OF = _ORDERS.where(Order.user_id == bindparam("user_id"))
_OFFER = select(Offer).where(Offer.course_id == bindparam("id"))
_WELCOME_OFFER = select(Offer).where(Offer.welcome).order_by(Offer.published_at.desc()).limit(1)


def order(view: View, order_id: str) -> Order:
    """Give an order; raises NotFound."""
    return view.one(_ORDER, id=order_id)


def order_if_ours(view: View, order_id: str) -> Order | None:
    """Give an order, or None for what other services have paid without one."""
    return view.first(_ORDER, id=order_id)


def welcome_order(view: View, user_id: str) -> Order | None:
    return view.first(_WELCOME_ORDER, user_id=user_id)


def awaiting_course(view: View) -> Sequence[Order]:
    return view.all(_AWAITING)


def orders(view: View, page: Page, user_id: str | None = None) -> Sequence[Order]:
    """Give a page's orders and one more, of one person or of all."""
    if user_id is None:
        return view.all(_ORDERS, before=page.before, limit=page.limit + 1)
    return view.all(_ORDERS_OF, before=page.before, limit=page.limit + 1, user_id=user_id)


def offer(view: View, course_id: str) -> Offer | None:
    return view.first(_OFFER, id=course_id)


def welcome_offer(view: View) -> Offer | None:
    return view.first(_WELCOME_OFFER)


def steps(view: View, order_id: str) -> list[Step]:
    """Tell this service's part of an order's story; raises NotFound."""
    found = order(view, order_id)
    if found.product_id is None:
        return [Step(at=found.created_at, service="orders", code="order.awaiting_course", outcome="waiting")]
    made = offer(view, found.product_id)
    facts = {
        "title": made.title if made else found.product_id,
        "amount": str(found.total_amount),
        "currency": found.currency,
        "reason": found.reason or "",
        "attempt": str(found.attempt),
    }
    told = [Step(at=found.created_at, service="orders", code="order.made", outcome="done", facts=facts)]
    if found.status == Status.PAID:
        told.append(Step(at=found.changed_at, service="orders", code="order.paid", outcome="done", facts=facts))
    elif found.status == Status.FAILED:
        told.append(Step(at=found.changed_at, service="orders", code="order.failed", outcome="failed", facts=facts))
    elif found.attempt > 1:
        told.append(Step(at=found.changed_at, service="orders", code="order.retried", outcome="waiting", facts=facts))
    return told + held_steps(view, "orders", order_id)
