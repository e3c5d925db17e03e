"""What the doctor looks at, part by part; each finding says what it saw and, where that is wrong, what to do."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from typing import Literal, NamedTuple

import httpx

from aulario import topology
from aulario.app import RESTORING, damage, last_stop, open_secrets, open_stores
from aulario.backends.database import DatabaseError
from aulario.backends.secrets import SecretsError
from aulario.cli.look import number
from aulario.core import inspecting
from aulario.core.inspecting import Sizes
from aulario.core.migrating import SchemaError
from aulario.core.service import Service
from aulario.kit.lock import holder
from aulario.settings import Settings

LOW_DISK = 500_000_000
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a platform that listens everywhere is asked on
BACKUP = "move the data folder away and run: aulario restore BACKUP"


class Finding(NamedTuple):
    """What was seen of one part."""

    part: str
    state: Literal["ok", "note", "wrong"]
    text: str
    remedy: str = ""


def all_of(settings: Settings) -> Iterator[Finding]:
    """Look at everything, from the folder to the running platform."""
    yield from _folder(settings)
    running = holder(settings.data)
    if settings.data.exists() and any(settings.data.glob("*.db")):
        for service in topology.SERVICES:
            yield from _database(settings, service, running)
        yield _secrets(settings)
    yield _answering(settings, running)


def _folder(settings: Settings) -> Iterator[Finding]:
    folder, part = settings.data.absolute(), "data folder"
    if not folder.exists():
        yield Finding(part, "note", f"{folder} is not there yet; `aulario up` makes it")
        return
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(part, "wrong", f"{folder} cannot be written to", "let this user own it, or set AULARIO_DATA")
        return
    if (folder / RESTORING).exists():
        yield Finding(part, "wrong", "a restore did not finish", f"empty {folder} and restore again")
    free = shutil.disk_usage(folder).free
    text = f"{folder}, {free / 1e9:,.1f} GB free, " + (
        f"held by process {running}" if (running := holder(folder)) else "held by nobody"
    )
    yield Finding(part, "wrong" if free < LOW_DISK else "ok", text, "make room: a full disk refuses every write")


def _database(settings: Settings, service: Service, running: str | None) -> Iterator[Finding]:
    """Look at a service's file, how it was left, its schema and what waits in it."""
    part = f"{service.name}.db"
    try:
        if running is None and (stop := last_stop(settings, service.name)) is not None:
            text = f"the last stop was not clean: {stop.frames} frames of the log were kept"
            yield Finding(part, "note", f"{text}, {stop.discarded} bytes that no commit covers were discarded")
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


def _secrets(settings: Settings) -> Finding:
    """Open every secret; none of them is shown."""

    async def read() -> int:
        secrets = open_secrets(settings)
        names = await secrets.names()
        for name in names:
            await secrets.get(name)
        return len(names)

    try:
        count = asyncio.run(read())
    except SecretsError as error:
        return Finding("secrets", "wrong", str(error), "bring the key or the file back from a backup")
    return Finding("secrets", "ok", f"{number(count, 'secret')}, all can be read")


def _answering(settings: Settings, running: str | None) -> Finding:
    """Ask whoever listens at the configured address whether it is ready."""
    host = ANYWHERE.get(settings.host, settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    if settings.port == 0:
        return Finding("platform", "note", "AULARIO_PORT is 0, so it cannot be asked here")
    try:
        reply = httpx.get(f"{address}/health/ready", timeout=2, trust_env=False)
    except httpx.HTTPError as error:
        return _silent(address, running, error)
    if running is None:
        return _taken(address)
    if reply.status_code != httpx.codes.OK:
        text = f"{address} answers {reply.status_code}: {reply.text[:200]}"
        return Finding("platform", "wrong", text, "wait until it has started; if that does not help, read its log")
    return Finding("platform", "ok", f"process {running} is ready at {address}")


def _silent(address: str, running: str | None, error: httpx.HTTPError) -> Finding:
    if running is not None:
        text = f"process {running} holds the data, but nothing answers at {address} ({type(error).__name__})"
        return Finding("platform", "wrong", text, "set AULARIO_PORT to the port it was started with, or read its log")
    if isinstance(error, httpx.ConnectError):
        return Finding("platform", "ok", f"not running; {address} is free")
    return _taken(address)


def _taken(address: str) -> Finding:
    remedy = "stop what listens there, or choose another with AULARIO_PORT"
    return Finding("platform", "wrong", f"not running, and {address} is taken by another program", remedy)
