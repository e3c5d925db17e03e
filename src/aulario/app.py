"""Puts the platform together: settings choose backends; backends and services become one application."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Self

from fastapi import FastAPI

from aulario import __version__, topology
from aulario.backends.broker import Log
from aulario.backends.broker.local import LocalBroker
from aulario.backends.cache.memory import MemoryCache
from aulario.backends.database.sqlite import SqliteDatabase
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
from aulario.core.keys import KeyRing
from aulario.core.migrating import migrate
from aulario.core.reactions import Reactions
from aulario.core.relay import StoreLog
from aulario.core.routing import Site
from aulario.core.service import Service
from aulario.core.throttle import Throttle
from aulario.core.unit_of_work import Store
from aulario.edge import problems, system
from aulario.edge.front import Front
from aulario.edge.hops import Hops
from aulario.kit.clock import Clock, SystemClock
from aulario.kit.crash import arm, crash_point
from aulario.kit.ids import uuid7
from aulario.kit.lock import FolderLock
from aulario.settings import Settings


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
        self.secrets: Secrets = _secrets(settings)
        self.traces: Traces | None = None
        self._given = dict(backends or {})
        self._reactions: list[Reactions] = []
        self._stack = AsyncExitStack()
        self.api = FastAPI(title="Aulario", version=__version__, docs_url=None, redoc_url=None)
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
        for service in self.services:
            self.stores[service.name] = await self._open_store(service, stack)
        backends = await self._backends(stack)
        asking = self._asking()
        self._serve(backends, asking)
        await self._react(backends, stack)

    async def _open_store(self, service: Service, stack: AsyncExitStack) -> Store:
        """Open a service's database at the schema this program was written for."""
        name, settings = service.name, self.settings
        database = SqliteDatabase(
            settings.data / f"{name}.db",
            durable=settings.durability == "full",
            committing=partial(crash_point, name, "unit.before_commit"),
            committed=partial(_committed, name),
        )
        stack.push_async_callback(database.close)
        migrate(database.engine, name, service.migrations)
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
        for routes in (*(service.routes for service in self.services), system.routes):
            self.api.router.routes.extend(routes.routes)
        problems.install(self.api)
        self.api.state.sites = {
            name: Site(self.stores.get(name), asking, backends[Tokens], backends) for name in (*self.stores, "edge")
        }

    async def _react(self, backends: dict[type, Any], stack: AsyncExitStack) -> None:
        broker = LocalBroker(self._log_of)
        for service in self.services:
            consumer = Consumer(self.stores[service.name], service.named_handlers(), owner=f"{os.getpid()}/{uuid7()}")
            reactions = Reactions(consumer, broker, backends, is_alone=True)
            self.consumers[service.name] = consumer
            stack.push_async_callback(reactions.stop, self.settings.grace)
            await reactions.start()

    def _log_of(self, topic: str) -> Log:
        return StoreLog(self.stores[source_of(topic)])


def _secrets(settings: Settings) -> Secrets:
    key = settings.secrets_key
    return FileSecrets(settings.data / "secrets", key.get_secret_value() if key else None)


def _committed(service: str, units: int) -> None:
    telemetry.committed(service, units)
    crash_point(service, "unit.after_commit")
