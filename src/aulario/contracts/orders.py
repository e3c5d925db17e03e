"""orders: what a person is to have, and whether it was paid."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import msgspec

from aulario.contracts.event import Event


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order."""

    product_id: str
    quantity: int
    price: Decimal


class _OrderPayable(Event, frozen=True, kw_only=True):
    """What a payment needs to know of an order."""

    order_id: str
    user_id: str
    items: tuple[Item, ...]
    total_amount: Decimal
    currency: str
    attempt: int
    """1 for the first payment, one more for each retry."""
    created_at: datetime


class OrderCreated(_OrderPayable, frozen=True):
    """An order waits for its first payment."""

    type: ClassVar[str] = "order.created.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None


class OrderRetried(_OrderPayable, frozen=True):
    """The owner of a failed order asked to pay again."""

    type: ClassVar[str] = "order.retried.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None


class OrderPaid(Event, frozen=True):
    """All of an order is paid; whoever delivers may deliver."""

    type: ClassVar[str] = "order.paid.v1"
    key: ClassVar[str] = "order_id"
    kept: ClassVar[None] = None

    order_id: str
    user_id: str
    items: tuple[Item, ...]
    paid_at: datetime
