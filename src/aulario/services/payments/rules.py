"""Which step a payment may take from where it stands."""

from enum import StrEnum

from aulario.core.errors import Conflict


class Status(StrEnum):
    """Where a payment stands: `created`, then with the gateway, then at an end."""

    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"


LEGAL = {
    Status.CREATED: {Status.PENDING},
    Status.PENDING: {Status.PAID, Status.FAILED},
    Status.PAID: frozenset[Status](),
    Status.FAILED: frozenset[Status](),
}


def step(before: str, after: Status) -> Status:
    """Give the state that follows; raises Conflict for a step that is not legal."""
    if after not in LEGAL[Status(before)]:
        message = f"a payment that is {before} cannot become {after}"
        raise Conflict(message)
    return after


def is_ended(status: str) -> bool:
    return not LEGAL[Status(status)]
