"""What the doctor looks at, part by part, from the data folder to the running platform."""

import asyncio
import os
import shutil
from collections.abc import Iterator

import httpx

from aulario import topology
from aulario.app import RESTORING, open_secrets
from aulario.backends.secrets import SecretsError
from aulario.cli.doctor import databases
from aulario.cli.doctor.finding import Finding
from aulario.cli.look import number
from aulario.kit.lock import holder
from aulario.settings import Settings

LOW_DISK = 500_000_000
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a platform that listens everywhere is asked on


def all_of(settings: Settings) -> Iterator[Finding]:
    """Look at everything, from the folder to the running platform."""
    yield from _folder(settings)
    running = holder(settings.data)
    if settings.data.exists() and any(settings.data.glob("*.db")):
        for service in topology.SERVICES:
            yield from databases.look(settings, service, running)
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
        advice = f"bring the key or the file back from a backup: {error}"
        return Finding("secrets", "wrong", "they cannot all be read", advice)
    return Finding("secrets", "ok", f"{number(count, 'secret')}, all can be read")


def _answering(settings: Settings, running: str | None) -> Finding:
    """Ask whoever listens at the configured address whether it is ready."""
    host = ANYWHERE.get(settings.host, settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    if settings.port == 0:
        return Finding("platform", "note", "AULARIO_PORT is 0, so it cannot be asked here")
    # Past any proxy of this shell: what is asked here is this machine.
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
