"""Tokens: who is calling, said by the edge for a person (RFC 9068) and by a service for itself."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, Literal, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from aulario.core.errors import Unauthorized
from aulario.core.keys import ALGORITHM, KeyRing
from aulario.kit.clock import Clock
from aulario.kit.ids import uuid7

AUDIENCE = "aulario"
REFUSED = "The token is missing, expired or not valid."
"""The only thing a sender is told, whatever was wrong."""

_MAX_CHARACTERS = 4096
_MAX_REMEMBERED = 10_000
# Seconds that the clocks of two of our machines may differ. Only the beginning is eased: an end is an end.
_LEEWAY = 5


class Caller(msgspec.Struct, frozen=True):
    """A person whose token was verified."""

    user_id: str
    tenant: str
    roles: frozenset[str]
    session_id: str


class CallingService(msgspec.Struct, frozen=True):
    """A service whose token was verified, and the tenant it works for."""

    name: str
    tenant: str


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    # Nothing else may stand in a header: jwk, jku and x5u would let a token bring its own key.
    alg: Literal["Ed25519"]
    typ: str
    kid: str


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str
    iat: int
    nbf: int
    exp: int
    jti: str


class _TenantClaims(_Claims):
    tid: str


class _AccessClaims(_TenantClaims):
    roles: list[str]
    sid: str


C = TypeVar("C", bound=_Claims)


@dataclass(frozen=True, slots=True)
class _Kind(Generic[C]):
    """What tells one kind of token from another; `lifetime` in seconds."""

    typ: str
    lifetime: int
    claims: type[C]


_ACCESS = _Kind("at+jwt", 15 * 60, _AccessClaims)
_SERVICE = _Kind("svc+jwt", 60, _TenantClaims)


class Tokens:
    """Makes and verifies tokens. Whatever is wrong with one, Unauthorized(REFUSED) is raised."""

    def __init__(self, keys: KeyRing, issuer: str, clock: Clock) -> None:
        self._keys, self._issuer, self._clock = keys, issuer, clock
        self._remembered = _Remembered(_MAX_REMEMBERED)

    def access(self, user_id: str, tenant: str, roles: Iterable[str], session_id: str) -> tuple[str, int]:
        """Make a person's token; gives it with the seconds it lives."""
        common = self._common(user_id, AUDIENCE, _ACCESS.lifetime)
        claims = _AccessClaims(*common, tid=tenant, roles=sorted(roles), sid=session_id)
        return self._signed(claims, _ACCESS.typ), _ACCESS.lifetime

    def verify(self, token: str) -> Caller:
        """Give the person a token was made for. One that was seen before costs a hash and a look-up."""
        digest = _digest(_bounded(token))
        caller = self._remembered.get(digest, self._clock.now().timestamp())
        if caller is None:
            claims = self._verified(token, _ACCESS, AUDIENCE)
            caller = Caller(claims.sub, claims.tid, frozenset(claims.roles), claims.sid)
            self._remembered.put(digest, claims.exp, caller)
        return caller

    def service_token(self, caller: str, target: str, tenant: str) -> str:
        """Make the token by which one service names itself, and whom it works for, to one other."""
        claims = _TenantClaims(*self._common(caller, target, _SERVICE.lifetime), tid=tenant)
        return self._signed(claims, _SERVICE.typ)

    def verify_service(self, token: str, target: str) -> CallingService:
        """Give the service that calls `target`."""
        claims = self._verified(_bounded(token), _SERVICE, target)
        return CallingService(claims.sub, claims.tid)

    def _common(self, subject: str, audience: str, lifetime: int) -> tuple[str, str, str, int, int, int, str]:
        now = int(self._clock.now().timestamp())
        return self._issuer, subject, audience, now, now, now + lifetime, uuid7()

    def _signed(self, claims: _Claims, typ: str) -> str:
        key = self._keys.newest
        header = {"alg": ALGORITHM, "typ": typ, "kid": key.kid}
        return jws.serialize_compact(header, msgspec.json.encode(claims), key.jwk, algorithms=[ALGORITHM])

    def _verified(self, token: str, kind: _Kind[C], audience: str) -> C:
        try:
            claims = msgspec.json.decode(self._payload(token, kind.typ), type=kind.claims)
        except (JoseError, msgspec.DecodeError, ValueError) as error:
            raise Unauthorized(REFUSED) from error
        if (claims.iss, claims.aud) != (self._issuer, audience) or not self._is_current(claims, kind.lifetime):
            raise Unauthorized(REFUSED)
        return claims

    def _payload(self, token: str, typ: str) -> bytes:
        signed = jws.extract_compact(token.encode("ascii"))
        header = msgspec.convert(signed.headers(), _Header)
        key = self._keys.find(header.kid)
        if key is None or header.typ != typ or not jws.validate_compact(signed, key.jwk, algorithms=[ALGORITHM]):
            raise Unauthorized(REFUSED)
        return signed.payload

    def _is_current(self, claims: _Claims, lifetime: int) -> bool:
        now = self._clock.now().timestamp()
        # The last condition bounds what a token made with a stolen key is worth once that key is retired.
        return max(claims.iat, claims.nbf) <= now + _LEEWAY and now < claims.exp <= claims.nbf + lifetime


class _Remembered:
    """Callers by the hash of their verified token, so that no token is kept; the least recently used go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def get(self, digest: bytes, now: float) -> Caller | None:
        entry = self._entries.pop(digest, None)
        if entry is None or entry[0] <= now:
            return None
        self._entries[digest] = entry
        return entry[1]

    def put(self, digest: bytes, until: float, caller: Caller) -> None:
        self._entries[digest] = (until, caller)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


def _bounded(token: str) -> str:
    if len(token) > _MAX_CHARACTERS:
        raise Unauthorized(REFUSED)
    return token


def _digest(token: str) -> bytes:
    # Lone surrogates cannot be in a token we made, but must not break here either.
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
