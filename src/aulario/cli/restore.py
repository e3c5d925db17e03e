"""`aulario restore`: a backup, brought back into an empty data folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from aulario import topology
from aulario.app import RESTORING
from aulario.cli.backup import FORMAT, KEY, contents
from aulario.cli.failing import explained
from aulario.cli.look import console, when
from aulario.cli.opening import Data, configured
from aulario.core.migrating import SchemaError, refuse_unknown
from aulario.kit import archive
from aulario.kit.lock import FolderLock

LOCK = "aulario.lock"


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `aulario backup` wrote.")], data: Data = None
) -> None:
    """Bring a backup back into an empty data folder.

    Every checksum and every schema is verified before anything is written. What was under way when the backup was taken
    is finished at the next start, and nothing happens twice.

    Example: `aulario restore /backups/aulario-2026-05-04.tar.gz --data ./data`
    """
    with explained("Nothing was restored"):
        settings = configured(data)
        _refuse_filled(settings.data)
        about = archive.verify(file)
        _refuse_unknown(about)
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FolderLock(settings.data)
        lock.take()
        try:
            # Again, now that nobody else can fill it.
            _refuse_filled(settings.data)
            _unpack(file, settings.data)
        finally:
            lock.release()
    _tell(settings.data, about)


def _refuse_filled(folder: Path) -> None:
    if folder.exists() and any(path.name != LOCK for path in folder.iterdir()):
        message = f"{folder} is not empty; a backup is restored into an empty folder only (--data NEW)"
        raise archive.ArchiveError(message)


def _refuse_unknown(about: dict[str, Any]) -> None:
    """Refuse what a newer Aulario packed, for it may hold what this one would not understand."""
    services = {service.name: service for service in topology.SERVICES}
    unknown = set(about["databases"]) - set(services)
    if about["format"] != FORMAT or unknown:
        message = f"this backup was made by Aulario {about['aulario']}, which is newer; restore it with that version"
        raise SchemaError(message)
    for name, one in about["databases"].items():
        refuse_unknown(name, services[name].migrations, one["schema"])


def _unpack(file: Path, folder: Path) -> None:
    """Unpack beside the places and move what is whole; until the folder in between is gone, nothing starts on it."""
    between = folder / RESTORING
    between.mkdir(mode=0o700)
    archive.unpack(file, between)
    for path in sorted(between.iterdir()):
        path.rename(folder / path.name)
    archive.sync(folder)
    between.rmdir()
    archive.sync(folder)


def _tell(folder: Path, about: dict[str, Any]) -> None:
    console.print(contents(about["databases"]))
    taken = f"as it stood on {when(about['taken'])} (Aulario {about['aulario']})"
    console.print(f"\n[green]{folder} is restored[/], {taken}.")
    if f"secrets/{KEY}" not in about["files"]:
        key = folder / "secrets" / KEY
        console.print(f"[yellow]Before you start it:[/] put the master key at {key}, or into AULARIO_SECRETS_KEY.")
    console.print("Start it with: [bold]aulario up[/]")
