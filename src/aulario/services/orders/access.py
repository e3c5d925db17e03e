"""Who may do what with orders."""

from aulario.contracts.identity import Role
from aulario.core.auth import Caller
from aulario.core.errors import NotFound
from aulario.core.routing import SIGNED_IN, only
from aulario.core.unit_of_work import NOTHING
from aulario.services.orders.models import Order

MEMBERS = SIGNED_IN
ADMINS = only(Role.ADMIN)


def own(caller: Caller, order: Order) -> Order:
    """Give an order to its owner; to others it is not there. Raises NotFound."""
    if order.user_id != caller.user_id:
        raise NotFound(NOTHING)
    return order


def visible(caller: Caller, order: Order) -> Order:
    """Give an order to its owner or an administrator; raises NotFound for others."""
    return order if Role.ADMIN in caller.roles else own(caller, order)


def listed(caller: Caller, wanted: str | None) -> str | None:
    """Narrow a list to the caller's own, but for administrators, who may name a person or nobody."""
    return wanted if Role.ADMIN in caller.roles else caller.user_id
