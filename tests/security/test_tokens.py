"""Tokens that must be refused: the list of JWT confusions, each tried on both kinds of token."""

import asyncio
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from aulario.backends.secrets.file import FileSecrets
from aulario.core.auth import REFUSED, CallingService, Tokens
from aulario.core.errors import Unauthorized
from aulario.core.keys import KeyRing
from aulario.kit.clock import ManualClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
ISSUER = "https://academy.example"
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ANY_HEADER = jws.JWSRegistry(algorithms=["Ed25519", "RS256", "ES256"], strict_check_header=False)
ABSENT = "(absent)"

Forge = Callable[..., str]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    secrets = FileSecrets(tmp_path_factory.mktemp("secrets"))
    return asyncio.run(KeyRing.load(secrets, "identity.signing-keys", ManualClock(NOON)))


@pytest.fixture(scope="module")
def tokens(ring: KeyRing) -> Tokens:
    return Tokens(ring, ISSUER, ManualClock(NOON))


@pytest.fixture(scope="module")
def token(tokens: Tokens) -> str:
    return tokens.access("u1", "t1", ["student"], "s1")[0]


@pytest.fixture(scope="module")
def forge(ring: KeyRing) -> Forge:
    """Sign what is asked for with the real key, or another; a member given as ABSENT is left out."""

    def forged(header: dict[str, object] | None = None, key: Key | None = None, **claims: object) -> str:
        head = _changed({"alg": "Ed25519", "typ": "at+jwt", "kid": ring.newest.kid}, header or {})
        body = json.dumps(_changed(_claims(), claims))
        return jws.serialize_compact(head, body, key or ring.newest.jwk, registry=ANY_HEADER)

    return forged


def _claims() -> dict[str, object]:
    times = {"iat": NOW, "nbf": NOW, "exp": NOW + 60}
    return {"iss": ISSUER, "sub": "u1", "aud": "aulario", "jti": "j1", "tid": "t1", "roles": [], "sid": "s1", **times}


def _changed(members: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}


def _encoded(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode()


def assert_refused(tokens: Tokens, token: str) -> None:
    """Neither as a person's nor as a service's, and with the one sentence that tells nothing."""
    for verify in (tokens.verify, lambda it: tokens.verify_service(it, "aulario")):
        with pytest.raises(Unauthorized) as refusal:
            verify(token)
        assert (refusal.value.detail, refusal.value.extras) == (REFUSED, {})


def test_a_forged_token_would_be_accepted_if_nothing_were_wrong(tokens: Tokens, forge: Forge) -> None:
    """The forger of these tests is right in all but what each test changes."""
    assert tokens.verify(forge()).user_id == "u1"
    service = forge({"typ": "svc+jwt"}, aud="payments", sub="finance")
    assert tokens.verify_service(service, "payments") == CallingService("finance", "t1")


ALGORITHMS = ["none", "None", "NONE", "", "EdDSA", "Ed448", "HS256", None, 1, ["Ed25519"], ABSENT]


@pytest.mark.parametrize("alg", ALGORITHMS, ids=repr)
@pytest.mark.parametrize("signature", ["", "kept"])
def test_no_other_algorithm_can_be_named(tokens: Tokens, token: str, alg: object, signature: str) -> None:
    """`none` in any spelling, the old name and others are refused, unsigned or with a signature kept from before."""
    _, payload, kept = token.split(".")
    header = _changed({"typ": "at+jwt", "kid": tokens._keys.newest.kid}, {"alg": alg})  # noqa: SLF001 - a true kid
    assert_refused(tokens, f"{_encoded(header)}.{payload}.{kept if signature else ''}")


def test_the_public_key_is_no_hmac_secret(tokens: Tokens, ring: KeyRing, token: str) -> None:
    """A token signed by HS256 with the published key, raw or as text, is refused."""
    public = ring.public_jwks()["keys"][0]
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': public['kid']})}.{token.split('.')[1]}"
    text = public["x"].encode()
    for secret in (text, urlsafe_b64decode(text), ring.newest.jwk.as_pem(private=False)):
        mac = urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).decode()
        assert_refused(tokens, f"{signed}.{mac}")


@pytest.mark.parametrize(("alg", "kind"), [("RS256", RSAKey), ("ES256", ECKey)])
def test_another_algorithm_is_refused(tokens: Tokens, forge: Forge, alg: str, kind: type[RSAKey | ECKey]) -> None:
    """A sound signature by another kind of key does not count, whatever key it claims."""
    assert_refused(tokens, forge({"alg": alg}, key=kind.generate_key()))


def test_another_key_is_refused(tokens: Tokens, forge: Forge) -> None:
    """A stranger's Ed25519 key is refused under our key's id and under its own."""
    stranger = OKPKey.generate_key("Ed25519")
    assert_refused(tokens, forge(key=stranger))
    assert_refused(tokens, forge({"kid": stranger.thumbprint()}, key=stranger))


PATHS = ["", "../../../../dev/null", "..%2f..%2fetc%2fpasswd", "/dev/null"]
KIDS = [*PATHS, "' OR '1'='1", "|id", "\x00", "😀", 0, None, ABSENT]


@pytest.mark.parametrize("kid", KIDS, ids=repr)
def test_kid_is_looked_up_and_nothing_else(tokens: Tokens, forge: Forge, token: str, kid: object) -> None:
    """Paths, queries and commands in `kid`, and a missing one, are unknown keys."""
    header = _changed({"alg": "Ed25519", "typ": "at+jwt"}, {"kid": kid})
    _, payload, signature = token.split(".")
    assert_refused(tokens, f"{_encoded(header)}.{payload}.{signature}")
    if isinstance(kid, str):
        assert_refused(tokens, forge({"kid": kid}))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "anything"])
def test_a_token_brings_no_key_and_no_extension(tokens: Tokens, ring: KeyRing, name: str) -> None:
    """An embedded key, an address of one, or any other header member is refused, even signed by us."""
    address = "https://evil.example/keys.json"
    values = {"jwk": ring.public_jwks()["keys"][0], "x5c": [address], "crit": ["exp"], "b64": True}
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": ring.newest.kid, name: values.get(name, address)}
    signed = f"{_encoded(header)}.{_encoded(_claims())}"
    key = ring.newest.jwk.private_key
    assert_refused(tokens, f"{signed}.{urlsafe_b64encode(key.sign(signed.encode())).decode()}")  # type: ignore[union-attr]  # it is private


@pytest.mark.parametrize("typ", ["JWT", "AT+JWT", "application/at+jwt", "at+jwt ", "refresh+jwt", "", ABSENT])
def test_type_must_be_exact(tokens: Tokens, forge: Forge, typ: object) -> None:
    """A token of any other type is refused, and so is one without."""
    assert_refused(tokens, forge({"typ": typ}))


@pytest.mark.parametrize("name", _claims())
def test_every_claim_is_needed(tokens: Tokens, forge: Forge, name: str) -> None:
    """A token that lacks a claim, or has it as null, is refused."""
    assert_refused(tokens, forge(**{name: ABSENT}))
    assert_refused(tokens, forge(**{name: None}))


WRONG_CLAIMS: list[dict[str, object]] = [
    {"exp": NOW},
    {"exp": NOW - 1},
    {"exp": "9999999999"},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"exp": True},
    {"exp": NOW + 10**9},
    {"nbf": NOW + 6},
    {"iat": NOW + 6},
    {"iss": "https://evil.example"},
    {"iss": ISSUER + "/"},
    {"iss": [ISSUER]},
    {"aud": "payments"},
    {"aud": "Aulario"},
    {"aud": ["aulario"]},
    {"aud": ["aulario", "payments"]},
    {"sub": 1},
    {"tid": ["t1"]},
    {"roles": "admin"},
    {"roles": {"admin": True}},
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=repr)
def test_wrong_claims_are_refused(tokens: Tokens, forge: Forge, claims: dict[str, object]) -> None:
    """Expired, not yet valid, too long-lived, from another issuer, for others, or of another shape."""
    assert_refused(tokens, forge(**claims))


def test_a_service_token_names_its_tenant(tokens: Tokens, forge: Forge) -> None:
    """Without a tenant, or with one of another shape, a service's token is refused: it would work for anybody."""
    for tenant in (ABSENT, None, 1, ["t1"]):
        with pytest.raises(Unauthorized):
            tokens.verify_service(forge({"typ": "svc+jwt"}, aud="payments", sub="finance", tid=tenant), "payments")


def test_kinds_are_not_exchanged(tokens: Tokens, token: str) -> None:
    """A person's token is no service's, a service's is no person's, nor one for another service."""
    service = tokens.service_token("finance", "payments", "t1")
    for attempt in (
        lambda: tokens.verify(service),
        lambda: tokens.verify(tokens.service_token("finance", "aulario", "t1")),
        lambda: tokens.verify_service(token, "aulario"),
        lambda: tokens.verify_service(service, "orders"),
    ):
        with pytest.raises(Unauthorized):
            attempt()


def test_a_remembered_access_token_is_still_no_service_token(tokens: Tokens, token: str) -> None:
    """What is remembered of one kind opens nothing for the other."""
    tokens.verify(token)
    with pytest.raises(Unauthorized):
        tokens.verify_service(token, "aulario")


def test_size_is_capped(tokens: Tokens, forge: Forge) -> None:
    """A token of more than 4 KiB is refused, however well signed."""
    assert tokens.verify(forge(sid="s" * 2000)).user_id == "u1"
    assert_refused(tokens, forge(sid="s" * 4000))
    assert_refused(tokens, "a" * 10_000_000)


def test_a_signature_has_one_form(tokens: Tokens, token: str) -> None:
    """The other number that satisfies the same equation (s + L, RFC 8032 section 5.1.7) is refused."""
    start, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature.encode())
    other = raw[:32] + (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
    assert_refused(tokens, f"{start}.{urlsafe_b64encode(other).decode()}")


GARBAGE = ["", ".", "..", "...", "a.b.c", "null", "{}", "Bearer x", "\ud800", "é.é.é", "eyJ.eyJ.eyJ", "\n"]
HEADERS: list[object] = ["alg", ["alg"], [], None, 1, True, {"alg": {}}, {"alg": "Ed25519"}]


@pytest.mark.parametrize("garbage", GARBAGE + [f"{_encoded(header)}.e30.AAAA" for header in HEADERS], ids=repr)
def test_garbage_is_refused(tokens: Tokens, garbage: str) -> None:
    """Whatever is no token gets the same answer as a wrong one."""
    assert_refused(tokens, garbage)


@pytest.mark.parametrize("extra", [".", "=", "\n", " ", "A", "\x00"], ids=repr)
def test_nothing_may_be_added(tokens: Tokens, token: str, extra: str) -> None:
    """One character before or after a good token makes it a bad one."""
    assert_refused(tokens, token + extra)
    assert_refused(tokens, extra + token)


@given(data=st.data())
def test_no_bit_can_be_flipped(tokens: Tokens, token: str, data: st.DataObject) -> None:
    """A token with any one bit changed is refused."""
    position = data.draw(st.integers(0, len(token) - 1))
    flipped = chr(ord(token[position]) ^ (1 << data.draw(st.integers(0, 7))))
    assert_refused(tokens, token[:position] + flipped + token[position + 1 :])


PARTS = st.binary().map(lambda raw: urlsafe_b64encode(raw).decode())


@given(garbage=st.text() | st.lists(PARTS, max_size=4).map(".".join))
def test_no_text_is_accepted(tokens: Tokens, garbage: str) -> None:
    """Arbitrary text, and arbitrary bytes in the form of a token, are refused."""
    assert_refused(tokens, garbage)
