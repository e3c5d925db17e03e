"""Every write of courses."""

from decimal import Decimal
from typing import NamedTuple

from aulario.contracts.courses import CoursePublished, StudentEnrolled
from aulario.contracts.identity import TenantCreated
from aulario.contracts.orders import OrderPaid
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7
from aulario.services.courses import queries, rules
from aulario.services.courses.models import Course, Enrolment


class NewCourse(NamedTuple):
    """What a course is made of."""

    title: str
    description: str
    language: str
    price: Decimal
    currency: str


def open_academy(uow: UnitOfWork, tenant: TenantCreated) -> None:
    """Give a new academy its welcome course."""
    if queries.welcome_course(uow) is not None:
        return
    title, description, price = rules.welcome_course(tenant.language, tenant.name)
    add_course(uow, NewCourse(title, description, tenant.language, price, tenant.currency), welcome=True)


def add_course(uow: UnitOfWork, new: NewCourse, teacher_id: str | None = None, *, welcome: bool = False) -> Course:
    """Make a course and publish it."""
    course = uow.add(
        Course(
            id=uuid7(),
            **new._asdict(),
            welcome=welcome,
            teacher_id=teacher_id,
            created_at=uow.now,
            published_at=uow.now,
        )
    )
    return _tell(uow, course)


def choose_welcome(uow: UnitOfWork, course_id: str) -> Course:
    """Make a course the one new people are given, in place of another; raises NotFound."""
    chosen, before = queries.course(uow, course_id), queries.welcome_course(uow)
    if before is not None and before.id != chosen.id:
        _publish(uow, before, welcome=False)
    return _publish(uow, chosen, welcome=True)


def enrol(uow: UnitOfWork, order: OrderPaid) -> None:
    """Give whoever's order is paid a place in each course of it, and one only."""
    for item in order.items:
        if queries.enrolment(uow, item.product_id, order.user_id) is not None:
            continue
        made = uow.add(
            Enrolment(
                id=uuid7(),
                course_id=item.product_id,
                user_id=order.user_id,
                order_id=order.order_id,
                enrolled_at=uow.now,
            )
        )
        uow.record(
            StudentEnrolled(
                enrolment_id=made.id,
                course_id=made.course_id,
                user_id=made.user_id,
                order_id=made.order_id,
                enrolled_at=made.enrolled_at,
            )
        )


def _publish(uow: UnitOfWork, course: Course, *, welcome: bool) -> Course:
    """Change a course's terms; told at a later time than before, by which others know the newest of them."""
    published_at = rules.later(uow.now, course.published_at)
    uow.amend(Course, course.id, welcome=welcome, published_at=published_at)
    return _tell(uow, queries.course(uow, course.id))


def _tell(uow: UnitOfWork, course: Course) -> Course:
    uow.record(
        CoursePublished(
            course_id=course.id,
            title=course.title,
            price=course.price,
            currency=course.currency,
            welcome=course.welcome,
            published_at=course.published_at,
        )
    )
    return course
