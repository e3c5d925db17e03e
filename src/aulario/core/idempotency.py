"""A repeated request with the same `Idempotency-Key` gets the first one's answer; nothing happens twice.

After the IETF draft "The Idempotency-Key HTTP Header Field": same key and body, same answer; another body, 422.
"""

import hmac
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


class Pepper(bytes):
    """The installation's own key for digests: what is digested can then not be guessed from a copy of the database."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Pepper(***)"


class Once(NamedTuple):
    """What makes a request the same request: who calls which route with which key, and what was sent."""

    tenant: str
    caller: str
    route: str
    key: str
    fingerprint: str


def fingerprint(pepper: Pepper, body: bytes) -> str:
    """Tell bodies apart without keeping them; keyed, for with the digest alone a password in one could be guessed."""
    return hmac.new(pepper, body, sha256).hexdigest()


def answered(uow: UnitOfWork, once: Once, reply: type[R], act: Callable[[], object]) -> R:
    """Give the kept reply, or act and keep it in the action's own transaction; raises Unprocessable on another body."""
    place = (once.tenant, once.caller, once.route, once.key)
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
