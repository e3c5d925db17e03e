"""The tables of payments; keys and indexes stand in the migrations."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped, mapped_column

from aulario.core.models import TenantModel


class PaymentsModel(TenantModel):
    """A row of this service."""

    __abstract__ = True
    metadata = MetaData()


class Payment(PaymentsModel):
    """One attempt to pay one order; a retry is another payment."""

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    attempt: Mapped[int]
    user_id: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    gateway: Mapped[str]
    status: Mapped[str]
    reference: Mapped[str | None]
    """The gateway's own name for the charge."""
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
