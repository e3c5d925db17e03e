"""Key rings and the tokens signed with them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from aulario.backends.secrets import SecretsError
from aulario.backends.secrets.file import FileSecrets
from aulario.core import auth
from aulario.core.auth import Caller, CallingService, Tokens
from aulario.core.errors import Unauthorized
from aulario.core.keys import KeyRing
from aulario.kit.clock import ManualClock

NAME = "identity.signing-keys"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# RFC 8037, appendix A: a key, and its thumbprint.
RFC_KEY = b"""[{"created": "2026-03-01T12:00:00Z", "jwk": {"kty": "OKP", "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}]"""
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    return FileSecrets(tmp_path / "secrets")


@pytest.fixture
def ring(secrets: FileSecrets, clock: ManualClock) -> KeyRing:
    return asyncio.run(KeyRing.load(secrets, NAME, clock))


@pytest.fixture
def tokens(ring: KeyRing, clock: ManualClock) -> Tokens:
    return Tokens(ring, "https://academy.example", clock)


@pytest.fixture
def count_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Signature checks that were really made, one entry each."""
    made: list[str] = []
    real = jws.validate_compact

    def counted(*args: object, **kwargs: object) -> bool:
        made.append("check")
        return real(*args, **kwargs)  # type: ignore[arg-type]  # whatever was passed is passed on

    monkeypatch.setattr(jws, "validate_compact", counted)
    return made


def access(tokens: Tokens, user: str = "u1") -> str:
    return tokens.access(user, "t1", ["teacher", "admin"], "s1")[0]


async def test_ring_is_kept_in_the_secrets_backend(ring: KeyRing, secrets: FileSecrets, clock: ManualClock) -> None:
    """The first use makes a key; a second process finds the same one."""
    again = await KeyRing.load(secrets, NAME, clock)
    assert again.newest.kid == ring.newest.kid
    assert again.newest.created == NOON


async def test_kid_is_the_thumbprint(secrets: FileSecrets, clock: ManualClock) -> None:
    """A key's id is its RFC 7638 thumbprint, as RFC 8037 computes it for its example."""
    await secrets.put(NAME, RFC_KEY)
    assert (await KeyRing.load(secrets, NAME, clock)).newest.kid == RFC_THUMBPRINT


async def test_rotation_overlaps_and_then_retires(ring: KeyRing, tokens: Tokens, clock: ManualClock) -> None:
    """The new key signs at once; the old one is accepted for an hour more, and then published no longer."""
    old, token = ring.newest.kid, access(tokens)
    await ring.rotate()
    assert tokens.verify(token).user_id == "u1"
    assert [key["kid"] for key in ring.public_jwks()["keys"]] == [old, ring.newest.kid]
    clock.advance(timedelta(hours=1))
    assert ring.find(old) is None
    assert [key["kid"] for key in ring.public_jwks()["keys"]] == [ring.newest.kid]


async def test_another_process_takes_over_a_rotation(ring: KeyRing, secrets: FileSecrets, clock: ManualClock) -> None:
    """After a reload the other process signs with the new key, and both rings are equal."""
    other = await KeyRing.load(secrets, NAME, clock)
    await ring.rotate()
    await other.reload()
    assert other.public_jwks() == ring.public_jwks()


def test_jwks_verifies_our_tokens_and_holds_nothing_private(ring: KeyRing, tokens: Tokens) -> None:
    """What is published is enough to verify, names its algorithm, and is never enough to sign."""
    published = ring.public_jwks()
    keys = KeySet.import_key_set({"keys": list(published["keys"])})
    assert jws.deserialize_compact(access(tokens), keys, algorithms=["Ed25519"]).payload
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}]


def test_repr_shows_no_key(ring: KeyRing) -> None:
    """Neither a ring nor a key can be printed into a log."""
    private = str(ring.newest.jwk.as_dict(private=True)["d"])
    assert private not in repr(ring) + repr(ring.newest)


NOT_RINGS = [b"", b"not json", b'[{"created": 1}]', b'[{"created": "2026-03-01T12:00:00Z", "jwk": {}}]']


@pytest.mark.parametrize("value", NOT_RINGS)
async def test_a_damaged_ring_is_said_to_be_one(secrets: FileSecrets, clock: ManualClock, value: bytes) -> None:
    """A stored ring that cannot be read stops the start; it is not replaced by a new one."""
    await secrets.put(NAME, value)
    with pytest.raises(SecretsError, match="holds no signing keys"):
        await KeyRing.load(secrets, NAME, clock)
    assert await secrets.get(NAME) == value


def test_access_token_names_its_caller(tokens: Tokens) -> None:
    """What went into a token comes out of it, and it lives for 15 minutes."""
    token, expires_in = tokens.access("u1", "t1", ["teacher", "admin"], "s1")
    assert tokens.verify(token) == Caller("u1", "t1", frozenset({"admin", "teacher"}), "s1")
    assert expires_in == 900


def test_access_token_has_the_members_of_rfc_9068(tokens: Tokens) -> None:
    """Header and claims are those of RFC 9068, and each token has an id of its own."""
    signed = jws.extract_compact(access(tokens).encode())
    assert signed.headers().keys() == {"alg", "typ", "kid"}
    assert signed.headers()["typ"] == "at+jwt"
    for claim in ("iss", "sub", "aud", "iat", "nbf", "exp", "jti", "tid", "roles", "sid"):
        assert f'"{claim}":'.encode() in signed.payload
    assert access(tokens) != access(tokens)


def test_access_token_expires_remembered_or_not(tokens: Tokens, clock: ManualClock) -> None:
    """To the second: accepted just before its end and refused at it, seen before or new."""
    seen, new = access(tokens), access(tokens)
    clock.advance(timedelta(minutes=15) - timedelta(milliseconds=1))
    assert tokens.verify(seen).user_id == "u1"
    clock.advance(timedelta(milliseconds=1))
    for token in (seen, new):
        with pytest.raises(Unauthorized):
            tokens.verify(token)


def test_clocks_may_differ_a_little(tokens: Tokens, clock: ManualClock) -> None:
    """A machine whose clock is five seconds behind accepts a fresh token, one further behind does not."""
    token = access(tokens)
    clock.set(NOON - timedelta(seconds=6))
    with pytest.raises(Unauthorized):
        tokens.verify(token)
    clock.set(NOON - timedelta(seconds=5))
    assert tokens.verify(token).user_id == "u1"


def test_a_token_seen_before_is_not_checked_again(tokens: Tokens, count_checks: list[str]) -> None:
    """The signature is checked once; a refused token is remembered by nobody."""
    token = access(tokens)
    assert tokens.verify(token) is tokens.verify(token)
    assert len(count_checks) == 1


def test_the_least_recently_used_token_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, ring: KeyRing, clock: ManualClock, count_checks: list[str]
) -> None:
    """Memory is bounded; what is in use stays, and what was forgotten is checked again."""
    monkeypatch.setattr(auth, "_MAX_REMEMBERED", 2)
    tokens = Tokens(ring, "https://academy.example", clock)
    first, second, third = (access(tokens, user) for user in ("u1", "u2", "u3"))
    for token in (first, second, first, third, first):
        tokens.verify(token)
    assert len(count_checks) == 3
    tokens.verify(second)
    assert len(count_checks) == 4


def test_service_token_names_the_calling_service(tokens: Tokens, clock: ManualClock) -> None:
    """One service names itself to one other, for a minute."""
    token = tokens.service_token("finance", "payments", "t1")
    assert tokens.verify_service(token, "payments") == CallingService("finance", "t1")
    clock.advance(timedelta(seconds=60))
    with pytest.raises(Unauthorized):
        tokens.verify_service(token, "payments")
