"""What a service's tables are made from, and the column types both databases understand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Numeric, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970: exact, sortable, the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the library's signature
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the library's signature
        return None if value is None else instant(value)


class Amount(TypeDecorator[Decimal]):
    """Money as a decimal with four places; SQLite has no decimals and would make floats of them, so text there."""

    impl = Numeric(19, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(24) if dialect.name == "sqlite" else Numeric(19, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | Decimal | None:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - the library's signature
        return None if value is None else Decimal(value)


class Model(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """A row of the installation; only what truly belongs to no tenant derives from this directly."""

    type_annotation_map = {datetime: Instant, Decimal: Amount}  # noqa: RUF012 - SQLAlchemy's own declaration


class TenantModel(Model):
    """A row of one tenant: the unit of work fills `tenant_id` in, and filters every statement by it."""

    __abstract__ = True

    tenant_id: Mapped[str] = mapped_column(init=False, default="", index=False)


def micros(value: datetime) -> int:
    """Whole microseconds since 1970; exact, where a float's timestamp is not."""
    delta = value - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(value: int) -> datetime:
    """Undo `micros`."""
    seconds, fraction = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=fraction)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
