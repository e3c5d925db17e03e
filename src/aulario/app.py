"""Puts the platform together: settings choose backends; backends and services become one application."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import Any, Self

from aulario import __version__, topology
from aulario.backends.broker import Log
from aulario.backends.broker.local import LocalBroker
from aulario.backends.cache.memory import MemoryCache
from aulario.backends.database import DatabaseError
from aulario.backends.database.copying import copy_together, faults, rows
from aulario.backends.database.sqlite import SqliteDatabase, open_engine
from aulario.backends.database.wal import Recovery, recover
from aulario.backends.payments import PaymentGateway
from aulario.backends.payments.simulated import SimulatedGateway
from aulario.backends.secrets import Secrets
from aulario.backends.secrets.file import FileSecrets
from aulario.backends.traces import Traces
from aulario.backends.traces.local import LocalTraces
from aulario.contracts.catalogue import source_of
from aulario.core import telemetry
from aulario.core.asking import Answerer, Asking
from aulario.core.auth import Tokens
from aulario.core.consuming import Consumer
from aulario.core.health import Health
from aulario.core.idempotency import Pepper
from aulario.core.keys import KeyRing
from aulario.core.logs import log
from aulario.core.migrating import SchemaError, migrate, pending, revisions
from aulario.core.reactions import Reactions
from aulario.core.relay import StoreLog
from aulario.core.routing import Site
from aulario.core.service import Service
from aulario.core.throttle import Throttle
from aulario.core.unit_of_work import Store
from aulario.edge import documents, problems, system
from aulario.edge.api import Api
from aulario.edge.front import Front
from aulario.edge.hops import Hops
from aulario.kit.clock import Clock, SystemClock
from aulario.kit.crash import arm, crash_point
from aulario.kit.ids import uuid7
from aulario.kit.lock import FolderLock, holder
from aulario.settings import Settings

RESTORING = "restoring"
"""The folder, inside the data folder, that a restore has while it is under way."""

CROWD = 16
"""Requests in flight at once beyond which they come before what happens behind them."""

_log = log("app")


class Platform:
    """Every service in this process. `async with Platform(settings) as platform` runs it; `platform.web` serves it."""

    def __init__(
        self,
        settings: Settings,
        services: Sequence[Service] = topology.SERVICES,
        clock: Clock | None = None,
        backends: Mapping[type, Any] | None = None,
    ) -> None:
        self.settings, self.services, self.clock = settings, services, clock or SystemClock()
        self.stores: dict[str, Store] = {}
        self.consumers: dict[str, Consumer] = {}
        self.health = Health()
        self.secrets = open_secrets(settings)
        self.traces: Traces | None = None
        self._given = dict(backends or {})
        self._reactions: list[Reactions] = []
        self._stack = AsyncExitStack()
        self.api = Api(title="Aulario", version=__version__, docs_url=None, redoc_url=None)
        self.web = Front(
            self.api,
            Hops(settings.trusted_hops),
            telemetry.Sampler(settings.traces_per_second),
            settings.max_body,
        )

    async def __aenter__(self) -> Self:
        """Take the data folder, bring it up to date, and start reacting; raises before anything was changed."""
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        self.health.state = "ready"
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Finish or hand back what is in flight, and leave every file whole."""
        self.health.state = "stopping"
        await self._stack.aclose()

    def drain(self) -> None:
        """Tell whoever asks for readiness to send no more."""
        self.health.state = "draining"

    async def _open(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FolderLock(settings.data)
        lock.take()
        stack.callback(lock.release)
        arm(settings.crash)
        prepare(settings, self.services)
        for service in self.services:
            self.stores[service.name] = await self._open_store(service, stack)
        backends = await self._backends(stack)
        asking = self._asking()
        self._serve(backends, asking)
        await self._react(backends, stack)

    async def _open_store(self, service: Service, stack: AsyncExitStack) -> Store:
        name, settings = service.name, self.settings
        database = SqliteDatabase(
            _file(settings, name),
            durable=settings.durability == "full",
            committing=partial(crash_point, name, "unit.before_commit"),
            committed=partial(_committed, name),
        )
        stack.push_async_callback(database.close)
        self.health.checks[name] = database.check
        return Store(name, database, self.clock)

    async def _backends(self, stack: AsyncExitStack) -> dict[type, Any]:
        """Make what the settings ask for, but for what was given."""
        settings = self.settings
        cache = MemoryCache()
        stack.push_async_callback(cache.close)
        keys = await KeyRing.load(self.secrets, "signing-keys", self.clock)
        if settings.traces == "local:":
            self.traces = LocalTraces(settings.data / "traces.db")
            telemetry.setup(self.traces)
            stack.callback(self.traces.close)
            stack.callback(telemetry.shutdown)
        gateway = SimulatedGateway(
            settings.simulated_rate, settings.simulated_seed, settings.simulated_outage, settings.simulated_journal
        )
        made = {
            Hops: self.web.hops,
            Health: self.health,
            KeyRing: keys,
            PaymentGateway: gateway,
            Throttle: Throttle(cache, settings.account_rate, settings.address_rate),
            Pepper: await _pepper(self.secrets),
            Tokens: Tokens(keys, settings.issuer, self.clock),
            Traces: self.traces,
        }
        return made | self._given

    def _asking(self) -> Asking:
        asking = Asking()
        for service in self.services:
            for question, query in service.answers.items():
                asking.answers(question, Answerer(self.stores[service.name], query))
        return asking

    def _serve(self, backends: Mapping[type, Any], asking: Asking) -> None:
        """Make the routes of all services one application."""
        for routes in (*(service.routes for service in self.services), documents.routes, system.routes):
            self.api.router.routes.extend(routes.routes)
        problems.install(self.api)
        self.api.state.sites = {
            name: Site(self.stores.get(name), asking, backends[Tokens], backends, backends[Pepper])
            for name in (*self.stores, "edge")
        }

    async def _react(self, backends: dict[type, Any], stack: AsyncExitStack) -> None:
        broker = LocalBroker(self._log_of)
        for service in self.services:
            consumer = Consumer(self.stores[service.name], service.named_handlers(), owner=f"{os.getpid()}/{uuid7()}")
            reactions = Reactions(consumer, broker, backends, is_alone=True, is_busy=lambda: self.web.in_flight > CROWD)
            self.consumers[service.name] = consumer
            stack.push_async_callback(reactions.stop, self.settings.grace)
            await reactions.start()

    def _log_of(self, topic: str) -> Log:
        return StoreLog(self.stores[source_of(topic)])


def prepare(settings: Settings, services: Sequence[Service] = topology.SERVICES) -> dict[str, list[str]]:
    """Bring every database to this program's schema; gives the revisions that were run, by service.

    The caller holds the folder's lock. All databases are looked at before one is changed; raises SchemaError for one
    that is newer, DatabaseError for one that cannot be read.
    """
    if (settings.data / RESTORING).exists():
        message = f"a restore into {settings.data} did not finish; empty that folder and restore again"
        raise DatabaseError(message)
    for service in services:
        _recover(_file(settings, service.name))
    engines = {service.name: open_engine(_file(settings, service.name)) for service in services}
    for service in services:
        if _file(settings, service.name).exists():
            pending(engines[service.name], service.name, service.migrations)
    done = {service.name: migrate(engines[service.name], service.name, service.migrations) for service in services}
    for name, ran in done.items():
        if ran:
            _log.info("migrated", service=name, revisions=ran)
    return done


@asynccontextmanager
async def open_stores(
    settings: Settings, services: Sequence[Service] = topology.SERVICES
) -> AsyncIterator[dict[str, Store]]:
    """Open the databases beside whoever runs on them: nothing reacts here, and nothing is migrated.

    Raises DatabaseError where there are none yet, and SchemaError where they are behind this program.
    """
    async with AsyncExitStack() as stack:
        stores: dict[str, Store] = {}
        for service in services:
            path = _file(settings, service.name)
            if not path.exists():
                message = f"there is nothing at {path} yet; `aulario up` makes it (or set AULARIO_DATA to where it is)"
                raise DatabaseError(message)
            if holder(settings.data) is None:
                _recover(path)
            database = SqliteDatabase(path, durable=settings.durability == "full")
            stack.push_async_callback(database.close)
            if pending(database.engine, service.name, service.migrations):
                message = f"the database of {service.name} is behind this version of Aulario; run: aulario migrate"
                raise SchemaError(message)
            stores[service.name] = Store(service.name, database, SystemClock())
        yield stores


def copy_databases(settings: Settings, folder: Path, services: Sequence[Service] = topology.SERVICES) -> float:
    """Copy all databases as they stood at one instant; gives the seconds for which writers had to wait."""
    return copy_together(
        {_file(settings, service.name): folder / _file(settings, service.name).name for service in services}
    )


def schema_of(settings: Settings, service: str) -> dict[str, str | None]:
    """Give the revision that each chain of a service's database stands at."""
    return revisions(open_engine(_file(settings, service)), service)


def rows_of(settings: Settings, service: str) -> dict[str, int]:
    """Count the rows of each table of a service."""
    return rows(_file(settings, service))


def damage(settings: Settings, service: str) -> list[str]:
    """Read a service's whole database and tell what is damaged in it."""
    return faults(_file(settings, service))


def last_stop(settings: Settings, service: str) -> Recovery | None:
    """Fold in what an unclean stop left of a database that nobody has open; None after a clean one."""
    return recover(_file(settings, service))


def open_secrets(settings: Settings) -> Secrets:
    """Open the secrets that the settings speak of; raises SecretsError when their key is no key."""
    key = settings.secrets_key
    return FileSecrets(settings.data / "secrets", key.get_secret_value() if key else None)


def _file(settings: Settings, service: str) -> Path:
    return settings.data / f"{service}.db"


def _recover(path: Path) -> None:
    """Tell what an unclean stop left of a database's log; a torn end was never acknowledged, or the disk lost it."""
    found = recover(path)
    if found is not None:
        say = _log.warning if found.discarded else _log.info
        say("the last stop was not clean", database=path.name, frames=found.frames, discarded_bytes=found.discarded)


async def _pepper(secrets: Secrets) -> Pepper:
    """Read the installation's key for digests, or make it."""
    found = await secrets.get("pepper")
    if found is None:
        found = token_bytes(32)
        await secrets.put("pepper", found)
    return Pepper(found)


def _committed(service: str, units: int) -> None:
    telemetry.committed(service, units)
    crash_point(service, "unit.after_commit")
