"""What requests about courses send, and what they are answered."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from aulario.core.endpoints import Body, Line, Reply, Text


class CourseIn(Body):
    """A course to be made: `price` in whole units of `currency` (ISO 4217), with at most two places."""

    title: Annotated[Line, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    language: Annotated[str, Field(pattern="^(en|es)$")] = "en"
    price: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=2)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class WelcomeIn(Body):
    """Which course new people are given."""

    course_id: Annotated[str, Field(max_length=36)]


class CourseOut(Reply):
    """A course."""

    id: str
    title: str
    description: str
    language: str
    price: Decimal
    currency: str
    welcome: bool
    teacher_id: str | None
    created_at: datetime


class EnrolmentOut(Reply):
    """A person's place in a course."""

    id: str
    course_id: str
    user_id: str
    order_id: str
    enrolled_at: datetime
