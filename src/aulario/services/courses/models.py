"""The tables of courses; keys and indexes stand in the migrations."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped, mapped_column

from aulario.core.models import TenantModel


class CoursesModel(TenantModel):
    """A row of this service."""

    __abstract__ = True
    metadata = MetaData()


class Course(CoursesModel):
    """Something that is taught; `welcome` marks the one each new person of the academy is given."""

    __tablename__ = "courses"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str]
    language: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str]
    welcome: Mapped[bool]
    teacher_id: Mapped[str | None]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime]
    """When its terms were last told; always later than the time before, whatever the clock did."""


class Enrolment(CoursesModel):
    """One person's place in one course, and the order it came from."""

    __tablename__ = "enrolments"

    id: Mapped[str] = mapped_column(primary_key=True)
    course_id: Mapped[str]
    user_id: Mapped[str]
    order_id: Mapped[str]
    enrolled_at: Mapped[datetime]
