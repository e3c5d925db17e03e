"""Secrets in a directory: one AES-256-GCM file each, under one master key."""

import asyncio
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import ParamSpec, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aulario.backends.secrets import SecretsError
from aulario.kit.archive import sync
from aulario.kit.ids import uuid7

P = ParamSpec("P")
T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SUFFIX = ".secret"
_MAGIC = b"AUL1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_HEAD_BYTES = len(_MAGIC) + 8  # the magic and the id of the master key


class FileSecrets:
    """A file is: magic, id of the master key, nonce, ciphertext with its tag. The name is authenticated with it."""

    def __init__(self, directory: Path, master_key: str | None = None) -> None:
        """`master_key`: 32 bytes in base64. Without it, `master.key` in the directory, made on first use."""
        self._directory = directory
        self._given_key = None if master_key is None else _decoded_key(master_key, "the master key setting")
        self._key: bytes | None = None

    def __repr__(self) -> str:
        return f"FileSecrets({str(self._directory)!r})"

    async def get(self, name: str) -> bytes | None:
        return await self._in_thread(self._get, self._path(name))

    async def put(self, name: str, value: bytes) -> None:
        await self._in_thread(self._put, self._path(name), value)

    async def names(self) -> Sequence[str]:
        return await self._in_thread(self._names)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except OSError as error:
            message = f"{error.filename or self._directory}: {error.strerror}"
            raise SecretsError(message) from error

    def _get(self, path: Path) -> bytes | None:
        return self._opened(path, path.read_bytes()) if path.exists() else None

    def _put(self, path: Path, value: bytes) -> None:
        # Whoever cannot read the old value holds the wrong key, and would make it unreadable to the right one.
        self._get(path)
        _write(path, self._sealed(path, value))

    def _names(self) -> list[str]:
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._directory.glob(f"*{_SUFFIX}"))

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            message = f"{name!r} cannot name a secret; use lower-case letters, digits, '.', '_' and '-'"
            raise SecretsError(message)
        return self._directory / f"{name}{_SUFFIX}"

    def _sealed(self, path: Path, value: bytes) -> bytes:
        key, nonce = self._master_key(), os.urandom(_NONCE_BYTES)
        head = _head(key)
        return head + nonce + AESGCM(key).encrypt(nonce, value, head + path.name.encode())

    def _opened(self, path: Path, content: bytes) -> bytes:
        key = self._master_key()
        head, nonce, sealed = _split(content)
        if head != _head(key):
            raise _foreign(path)
        try:
            return AESGCM(key).decrypt(nonce, sealed, head + path.name.encode())
        except (InvalidTag, ValueError) as error:
            message = f"{path} was altered, or is a copy of another secret's file; restore it from a backup"
            raise SecretsError(message) from error

    def _master_key(self) -> bytes:
        if self._key is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory.chmod(0o700)
            sync(self._directory.parent)
            key = self._given_key or self._key_from_file()
            self._refuse_a_foreign(key)
            self._key = key
        return self._key

    def _key_from_file(self) -> bytes:
        path = self._directory / "master.key"
        if not path.exists():
            if names := self._names():
                message = f"{path} is missing but {len(names)} secrets need it; restore it from a backup"
                raise SecretsError(message)
            _write(path, b64encode(os.urandom(_KEY_BYTES)) + b"\n", only_new=True)
        return _decoded_key(path.read_text(encoding="ascii", errors="replace").strip(), str(path))

    def _refuse_a_foreign(self, key: bytes) -> None:
        """Refuse a key that opens none of the secrets. One damaged file must not make the others unreadable."""
        paths = sorted(self._directory.glob(f"*{_SUFFIX}"))
        if paths and all(_split(path.read_bytes())[0] != _head(key) for path in paths):
            raise _foreign(paths[0])


def _foreign(path: Path) -> SecretsError:
    return SecretsError(f"{path} was written under another master key; bring that key back. Nothing was changed.")


def _head(key: bytes) -> bytes:
    return _MAGIC + sha256(b"aulario master key id" + key).digest()[: _HEAD_BYTES - len(_MAGIC)]


def _split(content: bytes) -> tuple[bytes, bytes, bytes]:
    body = content[_HEAD_BYTES:]
    return content[:_HEAD_BYTES], body[:_NONCE_BYTES], body[_NONCE_BYTES:]


def _decoded_key(text: str, source: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        message = f"{source} is not 32 bytes in base64 (as `openssl rand -base64 32` prints them)"
        raise SecretsError(message)
    return key


def _write(path: Path, content: bytes, *, only_new: bool = False) -> None:
    """Put the content in place as a whole, on disk before this returns; `only_new` leaves what is there."""
    temporary = path.with_name(f".{path.name}.{uuid7()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if only_new:
            # Two processes that start together must end with one key: the second to come uses the first one's.
            with suppress(FileExistsError):
                path.hardlink_to(temporary)
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)
