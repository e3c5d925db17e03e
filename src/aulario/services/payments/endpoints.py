"""The addresses of payments."""

from aulario.core.endpoints import Working
from aulario.core.pagination import Paged, WantedPage, paged
from aulario.core.routing import Routes
from aulario.services.payments import access, actions, queries
from aulario.services.payments.actions import NewPayment
from aulario.services.payments.schemas import PaymentIn, PaymentOut

routes = Routes("payments")


@routes.to("GET", "/api/payments", access.ADMINS)
async def list_payments(work: Working, page: WantedPage) -> Paged[PaymentOut]:
    """List the academy's payments, newest first."""
    return paged(PaymentOut, await work.read(queries.payments, page), page)


@routes.to("POST", "/api/payments/process", access.SERVICES, status=202)
async def process_payment(body: PaymentIn, work: Working) -> PaymentOut:
    """Have an order paid for another service, once for each attempt; how it ended is told by an event."""
    return await work.creating(PaymentOut, actions.request_payment, NewPayment(**body.model_dump()))


@routes.to("GET", "/api/payments/{payment_id}", access.ADMINS)
async def show_payment(payment_id: str, work: Working) -> PaymentOut:
    """Show one payment."""
    return PaymentOut.model_validate(await work.read(queries.payment, payment_id))
