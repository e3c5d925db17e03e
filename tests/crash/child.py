"""Run as `python -m tests.crash.child SECONDS`: the diary alone, written to without end; prints each line on disk."""

import asyncio
import sys
from datetime import timedelta

import uvloop

from aulario.app import Platform
from aulario.core import logs
from aulario.core.unit_of_work import Store
from aulario.settings import load
from tests.crash.diary import TENANT, diary, write

WRITERS, BOOKS = 8, 4


async def main(wait: timedelta) -> None:
    async with Platform(load(), [diary]) as platform:
        await asyncio.gather(*(_write(platform.stores["courses"], f"book-{n % BOOKS}", wait) for n in range(WRITERS)))


async def _write(store: Store, book: str, wait: timedelta) -> None:
    while True:
        line = await store.work(TENANT, write, book, wait)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    logs.setup(level="WARNING")
    uvloop.run(main(timedelta(seconds=float(sys.argv[1]))))
