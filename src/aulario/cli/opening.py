"""What every command begins with: its settings, and the databases beside whoever runs on them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import typer

from aulario.app import open_stores
from aulario.backends.database import Step, Transaction
from aulario.core import logs
from aulario.core.unit_of_work import Store
from aulario.settings import Settings, load

T = TypeVar("T")
Stores: TypeAlias = Mapping[str, Store]

Data = Annotated[Path | None, typer.Option("--data", help="The data folder, instead of AULARIO_DATA.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]


def configured(data: Path | None = None) -> Settings:
    """Read the settings, and send warnings to standard error, so that what a command prints can be piped."""
    settings = load()
    # Warnings only: what a command has to say it prints itself.
    logs.setup(pretty=settings.log != "json", level="warning")
    return settings if data is None else settings.model_copy(update={"data": data})


async def write(store: Store, body: Callable[[Transaction], T]) -> T:
    """Run a body in one transaction; what it gives is on disk when this returns."""
    (outcome,) = await store.write([Step(body)])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def with_stores(settings: Settings, work: Callable[[Stores], Awaitable[T]]) -> T:
    """Run something on the databases; each of its transactions is short, so a running Aulario does not notice."""

    async def opened() -> T:
        async with open_stores(settings) as stores:
            return await work(stores)

    return asyncio.run(opened())
