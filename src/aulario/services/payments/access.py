"""Who may do what with payments."""

from aulario.contracts.identity import Role
from aulario.core.routing import only, service_only

ADMINS = only(Role.ADMIN)
SERVICES = service_only("orders", "finance")
