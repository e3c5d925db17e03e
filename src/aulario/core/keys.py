"""The keys that tokens are signed with: kept in the secrets backend, and rotated while everything runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Self

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from aulario.backends.secrets import Secrets, SecretsError
from aulario.kit.clock import Clock

ALGORITHM = "Ed25519"
"""RFC 9864; the older name EdDSA does not say which curve."""

# Longer than any token lives, so that a rotation signs nobody out.
_OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `kid` is its RFC 7638 thumbprint."""

    kid: str
    created: datetime
    jwk: OKPKey = field(repr=False)


class KeyRing:
    """The newest key signs; one that was replaced is accepted for another hour."""

    def __init__(self, secrets: Secrets, name: str, clock: Clock) -> None:
        self._secrets, self._name, self._clock = secrets, name, clock
        self._keys: Sequence[SigningKey] = ()

    @classmethod
    async def load(cls, secrets: Secrets, name: str, clock: Clock) -> Self:
        """Read the ring kept under a secret's name, or begin one. Raises SecretsError when it cannot be read."""
        ring = cls(secrets, name, clock)
        await ring.reload()
        if not ring._keys:
            await ring.rotate()
        return ring

    async def reload(self) -> None:
        """Take over what another process rotated; call it from time to time where there are several."""
        value = await self._secrets.get(self._name)
        if value is not None:
            self._keys = self._decoded(value)

    async def rotate(self) -> None:
        """Sign with a new key from here on, and drop those whose hour is over."""
        await self.reload()
        keys = (*self._accepted(), _new_key(self._clock.now()))
        await self._secrets.put(self._name, _encoded(keys))
        self._keys = keys

    @property
    def newest(self) -> SigningKey:
        return self._keys[-1]

    def find(self, kid: str) -> SigningKey | None:
        """Give the accepted key of exactly this id."""
        return next((key for key in self._accepted() if key.kid == kid), None)

    def public_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Give the public halves of the accepted keys as a JWK set (RFC 7517)."""
        return {"keys": [dict(key.jwk.as_dict(private=False)) for key in self._accepted()]}

    def _accepted(self) -> list[SigningKey]:
        horizon = self._clock.now() - _OVERLAP
        pairs = zip_longest(self._keys, self._keys[1:])
        return [key for key, successor in pairs if successor is None or successor.created > horizon]

    def _decoded(self, value: bytes) -> Sequence[SigningKey]:
        try:
            return tuple(_key(stored.jwk, stored.created) for stored in msgspec.json.decode(value, type=list[_Stored]))
        except (msgspec.DecodeError, JoseError, ValueError) as error:
            message = f"the secret {self._name} holds no signing keys; restore it from a backup"
            raise SecretsError(message) from error


class _Stored(msgspec.Struct):
    created: datetime
    jwk: dict[str, Any]


def _new_key(now: datetime) -> SigningKey:
    made = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM})
    return _key(made.as_dict(private=True), now)


def _key(jwk: dict[str, Any], created: datetime) -> SigningKey:
    key = OKPKey.import_key(jwk)
    kid = key.thumbprint()
    return SigningKey(kid, created, OKPKey.import_key({**jwk, "kid": kid}))


def _encoded(keys: Sequence[SigningKey]) -> bytes:
    return msgspec.json.encode([_Stored(key.created, key.jwk.as_dict(private=True)) for key in keys])
