"""payments: money that is to move, and what became of it.

Hears that an order is to be paid, asks the tenant's gateway, and tells how it ended.
"""

from pathlib import Path

from aulario.contracts.payments import PaymentSteps
from aulario.core.service import Service
from aulario.services.payments import endpoints, handlers, models, queries

payments = Service(
    name="payments",
    routes=endpoints.routes,
    tables=models.PaymentsModel.metadata,
    migrations=Path(__file__).parent / "migrations",
    handlers=(handlers.on_order_created, handlers.on_order_retried, handlers.on_payment_requested),
    answers={PaymentSteps: queries.steps},
)
