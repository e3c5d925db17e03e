"""The secrets contract: small values that must not be read by others, such as keys and gateway passwords."""

from collections.abc import Sequence
from typing import Protocol


class SecretsError(Exception):
    """The store cannot be used as it stands; the message says where and what to do, never a value."""


class Secrets(Protocol):
    """A store of named secrets. Names: lower-case letters, digits, ".", "_" and "-", at most 100 characters.

    Promises: `put` returns once the value is durable, and replaces it as a whole: a reader, or a crash, meets the
    old value or the new one. A value comes back as it was put or not at all: one that was altered, or moved to
    another name, raises SecretsError, and what cannot be read is never overwritten. Values are in no log, no error
    and no `repr`.
    """

    async def get(self, name: str) -> bytes | None:
        """Give the value, or None where there is none."""

    async def put(self, name: str, value: bytes) -> None: ...

    async def names(self) -> Sequence[str]:
        """List what is stored, sorted."""
        ...
