"""orders: what a person is to have, and whether it was paid.

Hears `user.created` and gives each new person one welcome order; hears how its payment ended; tells the whole story.
"""

from pathlib import Path

from aulario.core.service import Service
from aulario.services.orders import endpoints, handlers, models

orders = Service(
    name="orders",
    routes=endpoints.routes,
    tables=models.OrdersModel.metadata,
    migrations=Path(__file__).parent / "migrations",
    handlers=(
        handlers.on_user_created,
        handlers.on_course_published,
        handlers.on_payment_completed,
        handlers.on_payment_failed,
    ),
)
