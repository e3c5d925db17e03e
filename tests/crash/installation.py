"""An installation under test: a folder with two academies, the processes that serve it, and what they left in it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from aulario import topology
from aulario.app import Platform
from aulario.backends.secrets.file import FileSecrets
from aulario.contracts.catalogue import source_of
from aulario.contracts.identity import Role
from aulario.core.auth import Tokens
from aulario.core.context import Context
from aulario.core.keys import KeyRing
from aulario.core.service import Service
from aulario.kit.clock import Clock, SystemClock
from aulario.kit.ids import uuid7
from aulario.services.identity.actions import NewTenant, NewUser, open_tenant
from aulario.settings import Settings
from tests.crash.waiting import until

SERVE = ("-m", "aulario", "up", "--port", "0")
READY = "Aulario is ready at "


class Academy(NamedTuple):
    """One tenant and what its administrator sends to be believed."""

    tenant: str
    headers: dict[str, str]


@dataclass
class Process:
    """A child process, with what it printed."""

    popen: subprocess.Popen[bytes]
    output: Path

    @property
    def code(self) -> int | None:
        return self.popen.poll()

    def lines(self) -> list[str]:
        return self.output.read_text(encoding="utf-8").splitlines()

    async def url(self) -> str:
        """Wait until it can serve, and give its address."""

        def found() -> str | None:
            assert self.code is None, f"it ended with {self.code}: {self.output.with_suffix('.err').read_text()}"
            return next((line.removeprefix(READY) for line in self.lines() if line.startswith(READY)), None)

        return await until(found, "the platform is ready")

    async def ended(self) -> int:
        """Wait for its end, and give its exit code; minus the signal's number when a signal ended it."""
        await until(lambda: self.code is not None, "the process has ended")
        return self.popen.wait()

    async def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        await self.ended()


@dataclass
class Installation:
    """One data folder."""

    data: Path
    bytecode: Path
    """Where children keep compiled modules, so that only the very first one compiles them."""
    academies: Sequence[Academy] = ()
    services: Sequence[Service] = topology.SERVICES
    started: list[Process] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.data / "journal.txt"

    def settings(self, **changed: Any) -> Settings:
        common: dict[str, Any] = {"demo": False, "traces": "off:", "simulated_journal": self.journal}
        return Settings(data=self.data, **(common | changed))

    def start(self, crash: str = "", command: Sequence[str] = SERVE) -> Process:
        """Start a child process that serves this folder; `crash` arms points in it."""
        mine = {
            "AULARIO_DATA": str(self.data),
            "AULARIO_DEMO": "false",
            "AULARIO_TRACES": "off:",
            "AULARIO_SIMULATED_JOURNAL": str(self.journal),
            "AULARIO_CRASH": crash,
            "PYTHONPYCACHEPREFIX": str(self.bytecode),
            "PYTHONUNBUFFERED": "1",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AULARIO_") and k != "PYTHONDONTWRITEBYTECODE"}
        output = self.data.with_name(f"{self.data.name}-{len(self.started)}.out")
        with output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
            popen = subprocess.Popen([sys.executable, *command], env=kept | mine, stdout=out, stderr=err)
        self.started.append(Process(popen, output))
        return self.started[-1]

    def stop_all(self) -> None:
        for process in self.started:
            process.popen.kill()
            process.popen.wait()

    def running(self, clock: Clock | None = None, **changed: Any) -> AbstractAsyncContextManager[Platform]:
        """Serve this folder in the test's own process: a restart that costs no start of a process."""
        return Platform(self.settings(**changed), self.services, clock)

    def rows(self, service: str, statement: str, *parameters: object) -> list[Any]:
        """Ask a service's database from outside."""
        with closing(sqlite3.connect(f"file:{self.data / service}.db?mode=ro", uri=True)) as database:
            return database.execute(statement, parameters).fetchall()

    def write(self, service: str, *statements: str) -> None:
        """Change a service's database from outside, as no part of the platform would."""
        with closing(sqlite3.connect(self.data / f"{service}.db", timeout=60, isolation_level=None)) as database:
            for statement in statements:
                database.execute(statement)

    def is_quiet(self) -> bool:
        """Tell whether every event was taken by all its handlers, and none waits, is claimed or is to fall due."""
        before = self._recorded()
        # One database is read after the other: what moves on behind the look records something, which gives it away.
        return all(self._is_quiet(service) for service in self.services) and self._recorded() == before

    async def quiet(self) -> None:
        await until(self.is_quiet, "nothing waits any more")

    def charges(self) -> dict[str, set[tuple[str, str]]]:
        """Give the gateway's own account: for each payment, the keys it came with and the charges it made."""
        found: dict[str, set[tuple[str, str]]] = {}
        for line in self.journal.read_text().splitlines():
            payment, key, reference = line.split()
            found.setdefault(payment, set()).add((key, reference))
        return found

    def _recorded(self) -> list[Any]:
        return [self.rows(service.name, "SELECT max(sequence) FROM outbox") for service in self.services]

    def _is_quiet(self, service: Service) -> bool:
        positions = dict(self.rows(service.name, "SELECT handler, position FROM positions"))
        newest = "SELECT coalesce(max(sequence), 0) FROM outbox WHERE topic = ?"
        is_taken = all(
            positions.get(name, 0) >= self.rows(source_of(handler.topic), newest, handler.topic)[0][0]
            for name, handler in service.named_handlers().items()
        )
        held = "SELECT (SELECT count(*) FROM inbox WHERE status IN ('waiting', 'claimed')) + count(*) FROM due_events"
        return is_taken and self.rows(service.name, held) == [(0,)]


@asynccontextmanager
async def calling(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """Call a platform that runs in this process."""
    transport = httpx.ASGITransport(platform.web)
    async with httpx.AsyncClient(transport=transport, base_url="http://aulario.test") as client:
        yield client


async def seeded(data: Path, bytecode: Path) -> Installation:
    """Make an installation with two academies whose welcome courses are known to orders."""
    made = Installation(data, bytecode)
    tenants = {"north": uuid7(), "south": uuid7()}
    async with made.running() as platform:
        for slug, tenant in tenants.items():
            context = Context.root(uuid7(), sampled=False).in_tenant(tenant)
            admin = NewUser(f"admin@{slug}.example", "Ada Bell", (Role.ADMIN,), None)
            await platform.stores["identity"].work(context, open_tenant, NewTenant(slug, slug, "en", "EUR"), admin)
        await made.quiet()
    keys = await KeyRing.load(FileSecrets(data / "secrets"), "signing-keys", SystemClock())
    tokens = Tokens(keys, "aulario", SystemClock())
    made.academies = tuple(Academy(tenant, _headers(tokens, tenant)) for tenant in tenants.values())
    return made


def copied(template: Installation, data: Path) -> Installation:
    shutil.copytree(template.data, data)
    return Installation(data, template.bytecode, template.academies)


def _headers(tokens: Tokens, tenant: str) -> dict[str, str]:
    token, _ = tokens.access("administrator", tenant, [Role.ADMIN], "session")
    return {"Authorization": f"Bearer {token}"}
