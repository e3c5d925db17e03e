"""The tables of orders; keys and indexes stand in the migrations."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped, mapped_column

from aulario.core.models import TenantModel


class OrdersModel(TenantModel):
    """A row of this service."""

    __abstract__ = True
    metadata = MetaData()


class Order(OrdersModel):
    """What one person is to have: one course, at the price it had when the order was made."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    welcome: Mapped[bool]
    status: Mapped[str]
    product_id: Mapped[str | None]
    """The course; None as long as the academy has no welcome course to give."""
    total_amount: Mapped[Decimal]
    currency: Mapped[str]
    attempt: Mapped[int]
    reason: Mapped[str | None]
    """Why the last payment was refused."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Offer(OrdersModel):
    """Our own copy of a published course: what it costs, and whether it is the welcome course."""

    __tablename__ = "offers"

    course_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str]
    welcome: Mapped[bool]
    published_at: Mapped[datetime]
