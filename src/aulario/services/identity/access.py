"""Who may do what with people and academies."""

from aulario.contracts.identity import Role
from aulario.core.auth import Caller
from aulario.core.errors import NotFound
from aulario.core.routing import PUBLIC, SIGNED_IN, only
from aulario.core.unit_of_work import NOTHING

ANYBODY = PUBLIC
MEMBERS = SIGNED_IN
ADMINS = only(Role.ADMIN)
OPERATORS = only(Role.OPERATOR)

GIVEN = frozenset({Role.STUDENT, Role.TEACHER, Role.ORGANIZER, Role.ADMIN})
"""The roles an academy's administrator may give; who operates the installation is not theirs to say."""


def visible(caller: Caller, user_id: str) -> str:
    """Let people see themselves, and administrators everybody; raises NotFound."""
    if user_id != caller.user_id and Role.ADMIN not in caller.roles:
        raise NotFound(NOTHING)
    return user_id
