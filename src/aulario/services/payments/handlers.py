"""What payments does when something happened elsewhere: first it asks the gateway, then it stores what it was told."""

from aulario.backends.payments import Charge, Charged, GatewayDown, PaymentGateway
from aulario.contracts.orders import OrderCreated, OrderRetried
from aulario.contracts.payments import PaymentRequested
from aulario.core import telemetry
from aulario.core.errors import Unavailable
from aulario.core.handlers import Outside, on_calling
from aulario.core.unit_of_work import UnitOfWork
from aulario.services.payments import actions


async def charge(outside: Outside, wanted: Charge) -> Charged:
    """Charge once for a payment; raises Unavailable while the gateway gives no answer."""
    gateway = outside.backend(PaymentGateway)
    peer = {"peer.service": f"{gateway.name} gateway"}
    with telemetry.span("charge", "client", service="payments", attributes=peer):
        try:
            # The payment's own id, not the event's: an attempt that was asked for in two ways is still one charge.
            return await gateway.charge(wanted, wanted.payment_id)
        except GatewayDown as down:
            raise Unavailable(str(down)) from down


@on_calling(OrderCreated, actions.open_payment, charge)
def on_order_created(uow: UnitOfWork, event: OrderCreated, answer: Charged) -> None:
    actions.end_payment(uow, event, answer)


@on_calling(OrderRetried, actions.open_payment, charge)
def on_order_retried(uow: UnitOfWork, event: OrderRetried, answer: Charged) -> None:
    actions.end_payment(uow, event, answer)


@on_calling(PaymentRequested, actions.open_payment, charge)
def on_payment_requested(uow: UnitOfWork, event: PaymentRequested, answer: Charged) -> None:
    actions.end_payment(uow, event, answer)
