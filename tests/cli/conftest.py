"""What the tests of commands share: a folder in which a demo academy lived, and the command line with its settings."""

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import structlog
from typer.testing import CliRunner

from aulario.app import Platform
from aulario.backends.database import Transaction
from aulario.cli import app
from aulario.core import inspecting
from aulario.core.bell import Bell
from aulario.demo import seed
from aulario.settings import Settings

SETTINGS = {
    "AULARIO_PORT": "0",
    "AULARIO_DURABILITY": "normal",
    "AULARIO_TRACES": "off:",
    "AULARIO_LOG": "json",
    "AULARIO_DEMO": "false",
    "AULARIO_SIMULATED_RATE": "100",
}
PATIENCE = 30


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Give the command line in this process, with its data in `tmp_path/data`."""
    for name in [name for name in os.environ if name.startswith("AULARIO_")]:
        monkeypatch.delenv(name)

    def run(*words: str | Path, answer: str | None = None, **settings: str | Path) -> Result:
        for name, value in {**SETTINGS, "AULARIO_DATA": tmp_path / "data", **settings}.items():
            monkeypatch.setenv(name, str(value))
        done = CliRunner().invoke(app, [str(word) for word in words], input=answer, catch_exceptions=False)
        return Result(done.exit_code, done.stdout, done.stderr)

    handlers = logging.root.handlers[:]
    yield run
    # The command logged to a stream that has ended with it.
    logging.root.handlers[:] = handlers
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the demo academies were made, everything they led to was done, and the stop was clean."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    asyncio.run(_live(Settings(data=folder, durability="normal", traces="off:", simulated_rate=100)))
    return folder


@pytest.fixture
def lived(demo: Path, tmp_path: Path) -> Path:
    """A copy of that folder for one test, where `command` finds it."""
    return Path(shutil.copytree(demo, tmp_path / "data"))


async def _live(settings: Settings) -> None:
    async with Platform(settings) as platform:
        await seed(platform)
        await until_quiet(platform)


async def until_quiet(platform: Platform) -> None:
    """Wait until every handler took every event, and none waits."""
    pause = Bell().listen()
    async with asyncio.timeout(PATIENCE):
        while not await _is_quiet(platform):
            await pause.wait(0.05)


async def _is_quiet(platform: Platform) -> bool:
    """Compare what was recorded with what was taken; each topic of these services has exactly the handlers it has."""
    recorded: dict[str, int] = {}
    taken: dict[str, int] = {}
    for store in platform.stores.values():
        if (await store.database.read(inspecting.sizes)).waiting:
            return False
        for table, counts in (("outbox", recorded), ("inbox", taken)):
            counts.update(await store.database.read(partial(_by_topic, table=table)))
    heard = {handler.topic for service in platform.services for handler in service.handlers}
    return taken == {topic: count for topic, count in recorded.items() if topic in heard}


def _by_topic(transaction: Transaction, table: str) -> list[tuple[str, int]]:
    return transaction.run(f"SELECT topic, count(*) FROM {table} GROUP BY topic").fetchall()  # noqa: S608 - two names of ours


class Running(NamedTuple):
    """A real `aulario up` in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start Aulario on `tmp_path/data` and wait until it says where it is."""
    started: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> Running:
        process = child(tmp_path / "data", **settings)
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"ready at (http://\S+)", line):
                return Running(process, found[1])
        raise AssertionError(process.communicate()[1])

    yield start
    for process in started:
        process.kill()
        process.communicate()


def child(data: Path, *words: str, **settings: str) -> "subprocess.Popen[str]":
    """Begin a command in a process of its own, `up` unless another is named."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AULARIO_")}
    environment |= {**SETTINGS, "AULARIO_DATA": str(data), **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "aulario", *(words or ["up"])],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Result:
    """Wait for a process's end and give what it said."""
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out, err)


def content(folder: Path) -> dict[str, bytes]:
    """Give every file's bytes but the lock's, which names whoever looked last."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "aulario.lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
