"""courses: what is taught, and who takes part.

Gives each new academy a welcome course, and enrols whoever's order is paid.
"""

from pathlib import Path

from aulario.contracts.courses import EnrolmentSteps
from aulario.core.service import Service
from aulario.services.courses import endpoints, handlers, models, queries

courses = Service(
    name="courses",
    routes=endpoints.routes,
    tables=models.CoursesModel.metadata,
    migrations=Path(__file__).parent / "migrations",
    handlers=(handlers.on_tenant_created, handlers.on_order_paid),
    answers={EnrolmentSteps: queries.steps},
)
