"""`aulario backup`: everything that is kept, in one file, while the platform runs."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from aulario import __version__
from aulario.app import copy_databases, rows_of, schema_of
from aulario.cli.failing import explained
from aulario.cli.look import console, decimal, number, table
from aulario.cli.opening import Data, Stores, configured, with_stores
from aulario.kit import archive
from aulario.settings import Settings

FORMAT = 1
KEY = "master.key"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it, such as aulario-monday.tar.gz.")],
    *,
    with_key: Annotated[bool, typer.Option("--with-key", help="Include the key that opens the secrets.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    data: Data = None,
) -> None:
    """Write a backup of everything that is kept: every database as they all stood at one instant, and the secrets.

    It may be taken at any time: writers wait for a moment only. Secrets stay encrypted, and the key that opens them is
    left out unless --with-key is given: keep that key elsewhere, for without it nobody can sign in after a restore.
    Traces and logs are not in it. A backup holds personal data; keep it as you keep the original.

    Example: `aulario backup /backups/aulario-$(date +%F).tar.gz`
    """
    with explained("No backup was made"):
        settings = configured(data)
        if file.exists() and not force:
            message = f"{file} exists; choose another name, or replace it with --force"
            raise archive.ArchiveError(message)
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".aulario-backup-") as temporary:
            folder = Path(temporary)
            names, paused = with_stores(settings, lambda stores: _copy(settings, stores, folder))
            files = {f"{name}.db": folder / f"{name}.db" for name in names}
            # After the databases: whatever secret a row speaks of is there by now.
            files |= _secrets(settings.data / "secrets", folder, with_key=with_key)
            about = _about(settings.model_copy(update={"data": folder}), names)
            archive.pack(file, files, about, replace=force)
    _tell(file, about["databases"], paused)
    _tell_of_key(settings, is_in=f"secrets/{KEY}" in files)


async def _copy(settings: Settings, stores: Stores, folder: Path) -> tuple[list[str], float]:
    return list(stores), copy_databases(settings, folder)


def _secrets(source: Path, folder: Path, *, with_key: bool) -> dict[str, Path]:
    """Copy the secrets, for each may be replaced by another file while this one is read."""
    (folder / "secrets").mkdir()
    names = [path.name for path in sorted(source.glob("*.secret"))]
    names += [KEY] if with_key and (source / KEY).exists() else []
    for name in names:
        (folder / "secrets" / name).write_bytes((source / name).read_bytes())
    return {f"secrets/{name}": folder / "secrets" / name for name in names}


def _about(copied: Settings, names: list[str]) -> dict[str, Any]:
    databases = {name: {"schema": schema_of(copied, name), "rows": rows_of(copied, name)} for name in names}
    return {
        "format": FORMAT,
        "aulario": __version__,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "databases": databases,
    }


def _tell(file: Path, databases: dict[str, Any], paused: float) -> None:
    console.print(contents(databases))
    size = decimal(file.stat().st_size)
    console.print(f"\n[green]The backup is {file}[/] ({size}). Writers waited for {paused * 1e3:.1f} ms.")


def contents(databases: dict[str, Any]) -> Any:
    """Make a table of what a backup holds."""
    rows = table("service", "rows", "events", "schema")
    for name, one in databases.items():
        schema = ", ".join(f"{chain} {revision}" for chain, revision in one["schema"].items())
        rows.add_row(name, f"{sum(one['rows'].values()):,}", number(one["rows"].get("outbox", 0), "event"), schema)
    return rows


def _tell_of_key(settings: Settings, *, is_in: bool) -> None:
    if is_in:
        console.print("[yellow]It holds the key that opens the secrets in it: whoever has this file has everything.[/]")
    elif settings.secrets_key is not None:
        console.print("The key that opens its secrets is the setting AULARIO_SECRETS_KEY; keep a copy of that too.")
    else:
        key = settings.data / "secrets" / KEY
        console.print(f"[yellow]The key that opens its secrets is not in it:[/] keep a copy of {key} somewhere else.")
