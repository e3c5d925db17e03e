"""Reads events out of all services at once: newest first, with what every handler did."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aulario import topology
from aulario.backends.database import Transaction
from aulario.cli.opening import Stores
from aulario.contracts.event import Envelope
from aulario.core import inspecting, outbox
from aulario.core.context import Context
from aulario.core.inspecting import State
from aulario.services.identity import queries as identity

Cursor = Mapping[str, int]
"""By service, the position before which to go on."""

END = 2**62


class Wanted(NamedTuple):
    """Which events are meant; None leaves a part open."""

    service: str | None = None
    tenant: str | None = None
    topic: str | None = None


async def newest(stores: Stores, wanted: Wanted, cursor: Cursor, limit: int) -> list[Envelope]:
    """Give the newest events of all services, of those before the cursor."""
    # Each service gives a whole page: any one of them may have recorded all of the newest.
    found: list[Envelope] = []
    for name, store in stores.items():
        if wanted.service in (None, name):
            before = cursor.get(name, END)

            def body(transaction: Transaction, before: int = before) -> list[Envelope]:
                return outbox.newest(transaction, wanted.tenant, wanted.topic, before, limit)

            found += await store.database.read(body)
    return sorted(found, key=lambda event: (event.time, event.source, event.sequence), reverse=True)[:limit]


def moved(cursor: Cursor, shown: Sequence[Envelope]) -> Cursor:
    """Give the cursor for what comes after what was shown."""
    return {**cursor, **{event.source: event.sequence for event in shown}}


async def find(stores: Stores, event_id: str) -> Envelope | None:
    """Give an event by its id, whichever service recorded it."""
    for store in stores.values():
        event = await store.database.read(lambda transaction: outbox.find(transaction, event_id))
        if event is not None:
            return event
    return None


async def handled(stores: Stores, events: Sequence[Envelope]) -> list[list[State]]:
    """Give for each event what every handler that hears it did."""
    states: list[list[State]] = [[] for _ in events]
    for service in topology.SERVICES:
        topics = {name: handler.topic for name, handler in service.named_handlers().items()}

        def body(transaction: Transaction, topics: Mapping[str, str] = topics) -> list[list[State]]:
            hearing = ([name for name, topic in topics.items() if topic == event.topic] for event in events)
            return [inspecting.states(transaction, names, event) for names, event in zip(hearing, events, strict=True)]

        for known, more in zip(states, await stores[service.name].database.read(body), strict=True):
            known.extend(more)
    return states


async def later(stores: Stores, event: Envelope) -> list[Envelope]:
    """Give what came of the same request after an event, in all services, oldest first."""
    found: list[Envelope] = []
    for store in stores.values():
        found += await store.database.read(lambda transaction: inspecting.later(transaction, event))
    return sorted(found, key=lambda one: one.time)


async def tenant_id(stores: Stores, given: str | None) -> str | None:
    """Give a tenant's id for the short name that people know it by; an id stays as it is."""
    if given is None:
        return None
    tenant = await stores["identity"].read(Context.root(), identity.tenant, given)
    return given if tenant is None else tenant.id
