"""identity: academies, their people, and how people sign in.

Records that an academy or a person came; everything else begins with that.
"""

from pathlib import Path

from aulario.core.service import Service
from aulario.services.identity import endpoints, models

identity = Service(
    name="identity",
    routes=endpoints.routes,
    tables=models.IdentityModel.metadata,
    migrations=Path(__file__).parent / "migrations",
)
