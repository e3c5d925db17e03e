"""What orders does when something happened elsewhere."""

from aulario.contracts.courses import CoursePublished
from aulario.contracts.identity import UserCreated
from aulario.contracts.payments import PaymentCompleted, PaymentFailed
from aulario.core.handlers import on
from aulario.core.unit_of_work import UnitOfWork
from aulario.services.orders import actions


@on(UserCreated)
def on_user_created(uow: UnitOfWork, event: UserCreated) -> None:
    actions.order_welcome(uow, event.user_id)


@on(CoursePublished)
def on_course_published(uow: UnitOfWork, event: CoursePublished) -> None:
    actions.keep_offer(uow, event)


@on(PaymentCompleted)
def on_payment_completed(uow: UnitOfWork, event: PaymentCompleted) -> None:
    actions.settle(uow, event)


@on(PaymentFailed)
def on_payment_failed(uow: UnitOfWork, event: PaymentFailed) -> None:
    actions.settle(uow, event)
