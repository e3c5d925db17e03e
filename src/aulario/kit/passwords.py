"""Password hashing (Argon2id) and refusal of weak ones. All of it blocks and burns CPU: call it in a thread."""

import re
from pathlib import Path
from string import digits, punctuation, whitespace
from unicodedata import normalize

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

MIN_LENGTH = 10
MAX_LENGTH = 256

# OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. About 25 ms on one core.
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_HASHER = PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))

# A hash no password is known for. It costs what a real one costs, so an unknown user cannot be told by time.
_NOBODY = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"

_LIST = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
_COMMON = frozenset(word for line in _LIST.splitlines() if not line.startswith("#") for word in line.split())
_LEET = str.maketrans("0134578@$!", "oleastbasi")
_SIGNS = punctuation + whitespace
_MIN_DIFFERENT = 5
_MIN_PERSONAL = 3
_MIN_IMPERSONAL = 8


def hash_password(password: str) -> str:
    """Hash with a random salt. Raises ValueError over MAX_LENGTH, which `verify_password` never accepts."""
    if len(password) > MAX_LENGTH:
        message = f"a password has at most {MAX_LENGTH} characters"
        raise ValueError(message)
    return _HASHER.hash(_as_bytes(password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Compare in the same time whether or not there is a hash (None: no such user, or one without a password)."""
    matches = _HASHER.verify(_as_bytes(password[:MAX_LENGTH]), _NOBODY if hashed is None else hashed)
    return matches and hashed is not None and len(password) <= MAX_LENGTH


def password_weakness(password: str, *personal: str) -> str | None:
    """Say why a new password is refused, or None. `personal`: the user's name, address and the like (NIST 800-63B)."""
    if len(password) < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters."
    if len(password) > MAX_LENGTH:
        return f"The password may have at most {MAX_LENGTH} characters."
    # Only now: normalizing costs the square of a text's length where its accents are piled up.
    plain = normalize("NFKC", password).casefold()
    if len(set(plain)) < _MIN_DIFFERENT or _is_common(plain):
        return "The password is among the first that are tried. Choose another, such as a few unrelated words."
    if _is_mostly(plain, personal):
        return "The password is little more than your name or address. Choose another."
    return None


def _as_bytes(password: str) -> bytes:
    # NFKC: the same password typed on another keyboard is another sequence of code points. Lone surrogates, which
    # JSON can carry, must not become an error that tells a sender anything.
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _is_common(plain: str) -> bool:
    word, start = plain.strip(_SIGNS + digits), plain.rstrip(_SIGNS + digits)
    forms = {plain, plain.strip(_SIGNS), word, word.translate(_LEET), start.translate(_LEET)}
    return not _COMMON.isdisjoint(forms)


def _is_mostly(plain: str, personal: tuple[str, ...]) -> bool:
    words = {word for text in personal for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= _MIN_PERSONAL}
    rest = plain
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != plain and len(rest) < _MIN_IMPERSONAL
