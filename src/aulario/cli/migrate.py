"""`aulario migrate`: every service's database at the schema this program was written for."""

from aulario.app import prepare
from aulario.cli.failing import explained
from aulario.cli.look import console, table
from aulario.cli.opening import Data, configured
from aulario.kit.lock import FolderLock


def migrate(data: Data = None) -> None:
    """Bring every service's database to this version's schema, and say what was run.

    All databases are looked at before one is changed. One that a newer version made is refused, and so is a data folder
    that another Aulario holds. `aulario up` does the same when it starts.
    """
    with explained("Nothing was migrated"):
        settings = configured(data)
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FolderLock(settings.data)
        lock.take()
        try:
            done = prepare(settings)
        finally:
            lock.release()
    if not any(done.values()):
        console.print(f"Nothing to do: all {len(done)} databases in {settings.data} are up to date.")
        return
    rows = table("service", "migrations that were run")
    for service, revisions in done.items():
        rows.add_row(service, ", ".join(revisions) or "none")
    console.print(rows)
    console.print(f"\n[green]The databases in {settings.data} are up to date.[/]")
