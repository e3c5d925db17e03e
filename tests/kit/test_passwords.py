"""Passwords: hashing, checking at one cost, and what is too weak."""

from unittest.mock import Mock

import argon2
import pytest

from aulario.kit import passwords
from aulario.kit.passwords import hash_password, password_weakness, verify_password

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(GOOD)


def test_hash_has_the_parameters_we_promise(hashed: str) -> None:
    """Argon2id with 19 MiB, two passes, one lane, and a salt of its own each time."""
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password(GOOD) != hashed


def test_verifies_the_password_and_no_other(hashed: str) -> None:
    """The right password is accepted; another, the empty and an unencodable one are not."""
    assert verify_password(GOOD, hashed)
    assert not any(verify_password(wrong, hashed) for wrong in (GOOD.upper(), "", "\ud800"))


def test_unknown_user_costs_what_a_known_one_does(hashed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without a hash, one comparison is made, at equal parameters and lengths; none matches without."""
    hasher = passwords._HASHER  # noqa: SLF001 - the work done is the promise, and time is no steady witness
    verify = Mock(wraps=hasher.verify)
    monkeypatch.setattr(hasher, "verify", verify)
    monkeypatch.setattr(hasher, "hash", None)
    assert verify_password(GOOD, hashed)
    assert not verify_password(GOOD, None)
    known, unknown = (argon2.extract_parameters(call.args[1]) for call in verify.call_args_list)
    assert known == unknown


def test_composed_and_decomposed_letters_are_one_password() -> None:
    """A password typed on a keyboard that composes accents otherwise is still the same."""
    assert verify_password("contrasen\u0303a larga", hash_password("contrase\u00f1a larga"))


def test_too_long_is_never_hashed_nor_accepted(hashed: str) -> None:
    """Over the limit nothing is hashed, and nothing that merely begins with the password is accepted."""
    longest = "x" * passwords.MAX_LENGTH
    assert not verify_password(GOOD + longest, hashed)
    assert not verify_password(longest + "y", hash_password(longest))
    with pytest.raises(ValueError, match="at most 256"):
        hash_password(longest + "y")


@pytest.mark.parametrize(
    "weak",
    [
        "short",
        "nine char",
        "1234567890",
        "1234567890!",
        "qwertyuiop",
        "PASSWORD123",
        "P@ssw0rd2024!",
        "@dmin-12345",
        "Dragon_1999",
        "Contraseña1",
        "abababababab",
        "a" * 257,
    ],
)
def test_weak_passwords_are_refused(weak: str) -> None:
    """Too short, too long, common ones and their usual disguises are refused with a sentence."""
    assert (password_weakness(weak) or "").startswith("The password")


FINE = [GOOD, "tv-plato-nube-83", "Zr7#qLw0!mPd", "日本語のとても長い合い言葉", "lluvia de marzo" * 17]


@pytest.mark.parametrize("fine", FINE)
def test_other_passwords_are_accepted(fine: str) -> None:
    """Length counts, not kinds of characters; every script is welcome."""
    assert password_weakness(fine) is None


def test_personal_words_do_not_make_a_password() -> None:
    """The user's own name and address add nothing: what is left must stand alone."""
    personal = "María López", "maria.lopez@academia.example"
    assert password_weakness("Maria.Lopez84", *personal) is not None
    assert password_weakness("lópez-maría-1", *personal) is not None
    assert password_weakness("maria pinta ocho girasoles", *personal) is None
    assert password_weakness("Maria.Lopez84") is None


def test_a_long_password_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Piled accents take the square of their number to put in order, so nothing too long comes that far."""
    monkeypatch.setattr(passwords, "normalize", Mock(side_effect=AssertionError))
    assert password_weakness("a\u0301\u0323" * 200) == "The password may have at most 256 characters."
