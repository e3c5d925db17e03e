"""One file that holds others and their checksums: written whole or not at all, believed only when every sum agrees."""

import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from contextlib import closing
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

from aulario.kit.ids import uuid7

MANIFEST = "manifest.json"

# Nothing that begins with a dot, so nothing that leads out of the folder it is unpacked to.
_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)
_BLOCK = 1 << 20
_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error)


class ArchiveError(Exception):
    """The archive cannot be written, or not be believed; the message says what is wrong with it."""


def pack(target: Path, files: Mapping[str, Path], about: Mapping[str, Any], *, replace: bool = False) -> None:
    """Write files under names, and `about` with their sums, into one .tar.gz that only its owner can read."""
    if target.exists() and not replace:
        message = f"{target} exists; choose another name, or replace it with --force"
        raise ArchiveError(message)
    manifest = {**about, "files": {name: _sums(path) for name, path in files.items()}}
    temporary = target.with_name(f".{target.name}.{uuid7()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
                _add(tar, MANIFEST, io.BytesIO(json.dumps(manifest, indent=2).encode()))
                for name, path in files.items():
                    with path.open("rb") as content:
                        _add(tar, name, content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync(target.parent)


def verify(source: Path) -> dict[str, Any]:
    """Read an archive to its end and give its manifest; raises ArchiveError unless every file is there and whole."""
    with closing(_opened(source)) as tar:
        manifest = _manifest(tar, source)
        left: dict[str, Any] = dict(manifest["files"])
        try:
            while (member := tar.next()) is not None:
                content = tar.extractfile(member)
                if content is None or left.pop(member.name, None) != _sums_of(content, member.size):
                    raise _damaged(source, f"{member.name} is not what was packed")
        except _BROKEN as error:
            raise _damaged(source, str(error)) from error
    if left:
        raise _damaged(source, f"{', '.join(sorted(left))} is missing")
    return manifest


def unpack(source: Path, folder: Path) -> None:
    """Put the files of a verified archive into a folder, on disk when this returns."""
    with closing(_opened(source)) as tar:
        for name in _manifest(tar, source)["files"]:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = tar.extractfile(name)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                while content and (block := content.read(_BLOCK)):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            sync(path.parent)


def sync(folder: Path) -> None:
    """Bring a folder's names to disk: a new file survives power loss by its bytes and its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, "r:gz")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _damaged(source, str(error)) from error


def _manifest(tar: tarfile.TarFile, source: Path) -> dict[str, Any]:
    """Read the manifest, the first of the files; raises ArchiveError where there is none that can be trusted."""
    try:
        member = tar.next()
        content = tar.extractfile(member) if member and member.name == MANIFEST else None
        manifest = json.load(content) if content else {}
        names = list(manifest["files"])
    except (*_BROKEN, ValueError, KeyError, TypeError) as error:
        raise _damaged(source, "it has no manifest") from error
    if strange := [name for name in names if not _NAME.fullmatch(name)]:
        raise _damaged(source, f"{strange[0]!r} is no name for a file in it")
    found: dict[str, Any] = manifest
    return found


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = content.seek(0, os.SEEK_END), 0o600
    content.seek(0)
    tar.addfile(member, content)


def _sums(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return _sums_of(file, path.stat().st_size)


def _sums_of(content: IO[bytes], size: int) -> dict[str, Any]:
    return {"bytes": size, "sha256": file_digest(content, "sha256").hexdigest()}  # type: ignore[arg-type]  # it only reads


def _damaged(source: Path, reason: str) -> ArchiveError:
    return ArchiveError(f"{source} cannot be believed: {reason}")
