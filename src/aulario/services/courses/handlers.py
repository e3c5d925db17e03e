"""What courses does when something happened elsewhere."""

from aulario.contracts.identity import TenantCreated
from aulario.contracts.orders import OrderPaid
from aulario.core.handlers import on
from aulario.core.unit_of_work import UnitOfWork
from aulario.services.courses import actions


@on(TenantCreated)
def on_tenant_created(uow: UnitOfWork, event: TenantCreated) -> None:
    actions.open_academy(uow, event)


@on(OrderPaid)
def on_order_paid(uow: UnitOfWork, event: OrderPaid) -> None:
    actions.enrol(uow, event)
