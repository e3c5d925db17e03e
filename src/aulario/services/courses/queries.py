"""Every read of courses."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from aulario.contracts.courses import EnrolmentSteps
from aulario.contracts.story import Step
from aulario.core.pagination import Page
from aulario.core.stories import held_steps
from aulario.core.unit_of_work import View
from aulario.services.courses.models import Course, Enrolment

_COURSE = select(Course).where(Course.id == bindparam("id"))
_WELCOME = select(Course).where(Course.welcome)
_COURSES = select(Course).where(Course.id < bindparam("before")).order_by(Course.id.desc()).limit(bindparam("limit"))
_ENROLMENT = select(Enrolment).where(
    Enrolment.course_id == bindparam("course_id"), Enrolment.user_id == bindparam("user_id")
)
_ENROLMENTS = (
    select(Enrolment).where(Enrolment.id < bindparam("before")).order_by(Enrolment.id.desc()).limit(bindparam("limit"))
)
_ENROLMENTS_OF = _ENROLMENTS.where(Enrolment.user_id == bindparam("user_id"))
_OF_ORDER = select(Enrolment).where(Enrolment.order_id == bindparam("order_id"))


def course(view: View, course_id: str) -> Course:
    """Give a course; raises NotFound."""
    return view.one(_COURSE, id=course_id)


def welcome_course(view: View) -> Course | None:
    return view.first(_WELCOME)


def courses(view: View, page: Page) -> Sequence[Course]:
    """Give a page's courses and one more."""
    return view.all(_COURSES, before=page.before, limit=page.limit + 1)


def enrolment(view: View, course_id: str, user_id: str) -> Enrolment | None:
    return view.first(_ENROLMENT, course_id=course_id, user_id=user_id)


def enrolments(view: View, page: Page, user_id: str | None) -> Sequence[Enrolment]:
    """Give a page's enrolments and one more, of one person or of all."""
    if user_id is None:
        return view.all(_ENROLMENTS, before=page.before, limit=page.limit + 1)
    return view.all(_ENROLMENTS_OF, before=page.before, limit=page.limit + 1, user_id=user_id)


def steps(view: View, question: EnrolmentSteps) -> list[Step]:
    """Answer what became of an order's enrolments."""
    told = [
        Step(
            at=found.enrolled_at,
            service="courses",
            code="student.enrolled",
            outcome="done",
            facts={"title": course(view, found.course_id).title},
        )
        for found in view.all(_OF_ORDER, order_id=question.order_id)
    ]
    return told + held_steps(view, "courses", question.order_id)
