"""A repeated request with the same `Idempotency-Key` gets the first one's answer; nothing happens twice.

After the IETF draft "The Idempotency-Key HTTP Header Field": same key and body, same answer; another body, 422.
"""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from aulario.core.errors import Unprocessable
from aulario.core.models import micros
from aulario.core.unit_of_work import UnitOfWork

KEPT = timedelta(hours=24)

_FIND = "SELECT fingerprint, reply FROM idempotency WHERE tenant = ? AND caller = ? AND route = ? AND key = ?"
_KEEP = "INSERT INTO idempotency (tenant, caller, route, key, fingerprint, reply, expires) VALUES (?, ?, ?, ?, ?, ?, ?)"

R = TypeVar("R", bound=BaseModel)


class Once(NamedTuple):
    """What makes a request the same request: who calls which route with which key, and what was sent."""

    caller: str
    route: str
    key: str
    fingerprint: str


def fingerprint(*parts: bytes) -> str:
    """Give a digest that tells bodies apart without keeping them."""
    return sha256(b"\0".join(parts)).hexdigest()


def answered(uow: UnitOfWork, once: Once, reply: type[R], act: Callable[[], object]) -> R:
    """Give the kept reply, or act and keep it in the action's own transaction; raises Unprocessable on another body."""
    place = (uow.tenant, once.caller, once.route, once.key)
    kept = uow.transaction.run(_FIND, place).fetchone()
    if kept is None:
        answer = reply.model_validate(act(), from_attributes=True)
        expires = micros(uow.now + KEPT)
        uow.transaction.run(_KEEP, (*place, once.fingerprint, answer.model_dump_json(), expires))
        return answer
    if kept[0] != once.fingerprint:
        message = "this Idempotency-Key was used with another body; use a new key for a new request"
        raise Unprocessable(message)
    return reply.model_validate_json(kept[1])
