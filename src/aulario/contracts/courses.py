"""courses: what is taught, and who takes part."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from aulario.contracts.event import Event
from aulario.contracts.question import Question
from aulario.contracts.story import Step


class CoursePublished(Event, frozen=True):
    """A course can be taken from now on, on these terms; said again whenever they change."""

    type: ClassVar[str] = "course.published.v1"
    key: ClassVar[str] = "course_id"

    course_id: str
    title: str
    price: Decimal
    currency: str
    welcome: bool
    """Whether this is the course each new person of the academy is given."""
    published_at: datetime


class StudentEnrolled(Event, frozen=True):
    """A person takes part in a course."""

    type: ClassVar[str] = "student.enrolled.v1"
    key: ClassVar[str] = "user_id"

    enrolment_id: str
    course_id: str
    user_id: str
    order_id: str
    enrolled_at: datetime


class EnrolmentSteps(Question[list[Step]], frozen=True):
    """What became of an order's enrolments, in order."""

    service: ClassVar[str] = "courses"

    order_id: str
