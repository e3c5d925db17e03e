"""Who may do what with courses."""

from aulario.contracts.identity import Role
from aulario.core.auth import Caller
from aulario.core.routing import SIGNED_IN, only

MEMBERS = SIGNED_IN
AUTHORS = only(Role.TEACHER, Role.ADMIN)
ADMINS = only(Role.ADMIN)


def listed(caller: Caller, wanted: str | None) -> str | None:
    """Narrow a list of enrolments to the caller's own, but for those who teach or administer."""
    return wanted if caller.roles & {Role.TEACHER, Role.ADMIN} else caller.user_id
