"""What the doctor looks at in each service's database: how it was left, whether it is whole, what waits in it."""

import asyncio
import sqlite3
from collections.abc import Iterator

from aulario.app import damage, last_stop, open_stores
from aulario.backends.database import DatabaseError
from aulario.cli.doctor.finding import Finding
from aulario.cli.look import number
from aulario.core import inspecting
from aulario.core.inspecting import Sizes
from aulario.core.migrating import SchemaError
from aulario.core.service import Service
from aulario.settings import Settings

BACKUP = "move the data folder away and run: aulario restore BACKUP"


def look(settings: Settings, service: Service, running: str | None) -> Iterator[Finding]:
    """Look at a service's file, how it was left, its schema and what waits in it."""
    part = f"{service.name}.db"
    try:
        if running is None and (stop := last_stop(settings, service.name)) is not None:
            text = f"the last stop was not clean: {stop.frames} frames of the log were kept"
            yield Finding(part, "note", f"{text}, {stop.discarded} bytes that no commit covers were discarded")
        # Reading every page takes a while on a large file, but nothing less finds what a disk has lost.
        if found := damage(settings, service.name):
            yield Finding(part, "wrong", f"damaged: {found[0]}", BACKUP)
        sizes = asyncio.run(_sizes(settings, service))
    except SchemaError as error:
        yield Finding(part, "wrong", str(error), "run: aulario migrate, with the version that fits")
    except (DatabaseError, sqlite3.Error) as error:
        yield Finding(part, "wrong", str(error), BACKUP)
    else:
        yield Finding(part, "ok", _told(sizes))
        if sizes.dead:
            yield Finding(part, "wrong", number(sizes.dead, "dead letter"), "see them with: aulario events dead")


async def _sizes(settings: Settings, service: Service) -> Sizes:
    async with open_stores(settings, [service]) as stores:
        return await stores[service.name].database.read(inspecting.sizes)


def _told(sizes: Sizes) -> str:
    taken = f"{sizes.inbox:,} taken" + (f", {sizes.waiting:,} of them waiting" if sizes.waiting else "")
    due = f", {sizes.due:,} due later" if sizes.due else ""
    return f"whole, schema up to date; {number(sizes.outbox, 'event')} recorded, {taken}{due}"
