"""How refresh tokens are made and judged."""

import hmac
import secrets
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple, Self

from aulario.core.auth import REFUSED
from aulario.core.errors import Unauthorized
from aulario.services.identity.models import SignIn

LIFETIME = timedelta(days=30)
"""From the sign-in on, however often the token is refreshed."""
GRACE = timedelta(seconds=30)
"""How long the token before is still taken for the repeat of a request whose answer was lost."""


class Refresh(NamedTuple):
    """A refresh token taken apart; on the wire its parts are joined by dots."""

    tenant: str
    sign_in_id: str
    secret: str

    @classmethod
    def make(cls, tenant: str, sign_in_id: str) -> Self:
        return cls(tenant, sign_in_id, secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, token: str) -> Self:
        """Take a token apart; raises Unauthorized for what is none."""
        parts = token.split(".")
        if len(parts) != len(cls._fields) or not all(parts):
            raise Unauthorized(REFUSED)
        return cls(*parts)

    def following(self, seed: str) -> Self:
        """Give the token after this one; whoever has not both the token and the seed cannot."""
        return self._replace(secret=hmac.new(seed.encode(), self.secret.encode(), sha256).hexdigest())

    @property
    def hash(self) -> str:
        """What is stored; a stolen database signs nobody in."""
        return sha256(self.secret.encode()).hexdigest()

    def __str__(self) -> str:
        return ".".join(self)


class Verdict(Enum):
    """What a presented refresh token deserves."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REFUSE = "refuse"
    END = "end"


def judge(sign_in: SignIn, presented: Refresh, now: datetime) -> Verdict:
    """Rotate the newest token; for a moment the one before it is a repeat; one used up earlier was stolen."""
    if sign_in.ended_at is not None or sign_in.expires_at <= now:
        return Verdict.REFUSE
    if compare_digest(sign_in.token_hash, presented.hash):
        return Verdict.ROTATE
    is_repeat = sign_in.previous_hash is not None and compare_digest(sign_in.previous_hash, presented.hash)
    if is_repeat and abs(now - sign_in.rotated_at) <= GRACE:
        return Verdict.REPEAT
    return Verdict.END
