"""Takes events to their handlers: dedupe, run, retry, dead-letter; an effect and its mark are one transaction."""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from aulario.backends.broker import Subscription
from aulario.backends.database import Step, Transaction
from aulario.contracts.event import Envelope, Event
from aulario.core import inbox, telemetry
from aulario.core.bell import Bell
from aulario.core.context import Context
from aulario.core.errors import Unavailable
from aulario.core.handlers import Handler
from aulario.core.inbox import Held
from aulario.core.logs import log
from aulario.core.retrying import Pauses, Poison, Policy, failed
from aulario.core.unit_of_work import Store, UnitOfWork
from aulario.kit.crash import crash_point

LEASE = timedelta(seconds=60)
"""How long a claim is respected; a caller gives up well before."""
ROUND = 128
"""Held events tried in one round."""

_log = log("consuming")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A held event whose handler is about to call out, with what it is to ask."""

    held: Held
    request: Any


Outcome = str | Claimed
"""`done`, `known` (a duplicate), `held`, `dead`, or a claim that is to be called for."""


@dataclass
class Consumer:
    """All of a service's handlers over its inbox. `owner` names this process in claims."""

    store: Store
    handlers: Mapping[str, Handler]
    owner: str
    policy: Policy = field(default_factory=Policy)
    chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.pauses = Pauses(self.policy)
        self.kept = Bell()
        """Rung when there is something to try again."""

    async def take(self, name: str, batch: list[Envelope], subscription: Subscription) -> list[Claimed]:
        """Take a batch for one handler: all of it is in the inbox, one way or another, before the place moves on.

        Raises Unavailable when the storage refused; the batch will then be given again.
        """
        settled: list[str] = []

        def first(envelope: Envelope) -> Step[Outcome]:
            held = Held(name, envelope)
            return Step(
                lambda transaction: _noting(settled, self._first(transaction, held)),
                lambda transaction, error: _noting(settled, self._fail(transaction, held, error)),
            )

        def keep(transaction: Transaction) -> Outcome:
            if len(settled) < len(batch):
                message = "an event of this batch could not be stored"
                raise Unavailable(message)
            subscription.keep(transaction, batch)
            return "done"

        outcomes = await self._store([*map(first, batch), Step(keep)])
        await subscription.acknowledge(batch)
        crash_point(self.store.service, "inbox.after_commit")
        return self._count(name, outcomes[:-1])

    async def due(self, calling: Collection[tuple[str, str]] = ()) -> tuple[int, list[Claimed]]:
        """Try what is due again: all of it for healthy handlers, one event for each that is being probed.

        Gives how many were tried, and the claims among them. What is `calling` (handler, event id) is left alone: a
        clock that leapt may have ended its lease while this very process still waits for the answer.
        """
        now = self.store.clock.now()
        healthy = self.pauses.open(list(self.handlers))
        # A probe that is out is the probe; another would only be the next to hang.
        probes = set(self.pauses.probes(now)) - {handler for handler, _ in calling}

        def waiting(transaction: Transaction) -> list[Held]:
            held = inbox.due(transaction, now, healthy, ROUND)
            return held + [one for probe in probes for one in inbox.due(transaction, now, [probe], 1)]

        due = [
            held for held in await self.store.database.read(waiting) if (held.handler, held.envelope.id) not in calling
        ]
        claims: list[Claimed] = []
        for held in due:
            if self.pauses.is_paused(held.handler) and held.handler not in probes:
                continue
            again = Step(partial(self._again, held=held), partial(self._rescue, held))
            claims += self._count(held.handler, await self._store([again]))
        return len(due), claims

    async def settle(self, claimed: Claimed, answer: Any) -> None:
        """Store the effect of a call that was answered, unless another took the claim over meanwhile."""

        def effect(transaction: Transaction) -> Outcome:
            if not inbox.finish(transaction, claimed.held):
                return "known"
            return self._effect(transaction, claimed.held, answer)

        step = Step(effect, partial(self._rescue, claimed.held))
        self._count(claimed.held.handler, await self._store([step]))

    async def give_back(self, claimed: Claimed, error: Exception) -> None:
        """Store that a call failed, unless another took the claim over meanwhile."""

        def fault(transaction: Transaction) -> Outcome:
            if not inbox.is_held(transaction, claimed.held):
                return "known"
            return self._fail(transaction, claimed.held, error)

        self._count(claimed.held.handler, await self._store([Step(fault)]))

    def _first(self, transaction: Transaction, held: Held) -> Outcome:
        """Run a new event's handler, or keep the event when now is not its time."""
        handler, now = self.handlers[held.handler], self.store.clock.now()
        blocked = handler.ordered and inbox.is_blocked(transaction, held.handler, held.envelope)
        if blocked or handler.call or self.pauses.is_paused(held.handler):
            if inbox.is_known(transaction, held.handler, held.envelope.id):
                return "known"
            if blocked or self.pauses.is_paused(held.handler):
                self._hold(transaction, msgspec.structs.replace(held, due=None if blocked else now))
                return "held"
            return self._claim(transaction, held)
        if not inbox.take(transaction, held.handler, held.envelope, now, handler.event.kept):
            return "known"
        return self._effect(transaction, held)

    def _again(self, transaction: Transaction, held: Held) -> Outcome:
        if self.handlers[held.handler].ordered and inbox.is_blocked(transaction, held.handler, held.envelope):
            # Replayed together with an earlier one of its key, which failed again.
            self._hold(transaction, msgspec.structs.replace(held, due=None))
            return "held"
        if self.handlers[held.handler].call:
            return self._claim(transaction, held) if inbox.is_held(transaction, held) else "known"
        if not inbox.finish(transaction, held):
            return "known"
        return self._effect(transaction, held)

    def _claim(self, transaction: Transaction, held: Held) -> Outcome:
        """Note that this process is calling, and prepare what it will ask, in one transaction."""
        handler = self.handlers[held.handler]
        lease = self.store.clock.now() + LEASE
        claim = msgspec.structs.replace(held, status="claimed", due=lease, claimed_by=self.owner)
        self._hold(transaction, claim)
        if handler.call is None:
            message = f"{held.handler} makes no calls"
            raise TypeError(message)
        request = handler.call.prepare(*self._given(transaction, held))
        if request is None:
            inbox.finish(transaction, claim)
            return "done"
        return Claimed(claim, request)

    def _effect(self, transaction: Transaction, held: Held, *answer: Any) -> Outcome:
        handler = self.handlers[held.handler]
        with telemetry.consumer_span(self.store.service, held.handler, held.envelope) as span:
            uow, event = self._given(transaction, held, span.context)
            handler.run(uow, event, *answer)
        if handler.ordered:
            inbox.unblock(transaction, held.handler, held.envelope, self.store.clock.now())
        crash_point(self.store.service, "handler.after_effect")
        return "done"

    def _fail(self, transaction: Transaction, held: Held, error: Exception) -> Outcome:
        """Keep an event whose attempt failed; the attempt itself is undone already."""
        now = self.store.clock.now()
        self.pauses.failed(held.handler, error, now)
        after = failed(held, error, now, self.policy, self.chance)
        self._hold(transaction, after)
        if after.status == "dead":
            if self.handlers[held.handler].ordered:
                inbox.unblock(transaction, held.handler, held.envelope, now)
            return "dead"
        return "failed"

    def _rescue(self, held: Held, transaction: Transaction, error: Exception) -> Outcome:
        return self._fail(transaction, held, error)

    def _hold(self, transaction: Transaction, held: Held) -> None:
        inbox.hold(transaction, held, self.store.clock.now(), self.handlers[held.handler].event.kept)

    def _given(self, transaction: Transaction, held: Held, context: Context | None = None) -> tuple[UnitOfWork, Event]:
        """Give what a handler's parts are called with: a unit of work in the event's tenant, and the event."""
        context = context or Context.of(held.envelope)
        return self.store.unit(transaction, context), read(self.handlers[held.handler].event, held.envelope)

    async def _store(self, steps: Sequence[Step[Outcome]]) -> list[Outcome]:
        outcomes = await self.store.write(steps)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]

    def _count(self, handler: str, outcomes: Sequence[Outcome]) -> list[Claimed]:
        """Count what became of events, and give those that are to be called for."""
        claims = [outcome for outcome in outcomes if isinstance(outcome, Claimed)]
        ended = Counter(outcome for outcome in outcomes if isinstance(outcome, str))
        for outcome, count in ended.items():
            telemetry.HANDLED.labels(handler, outcome).inc(count)
        if ended["done"]:
            self.pauses.succeeded(handler)
        if ended["failed"] or ended["held"] or ended["dead"]:
            _log.warning("events kept", handler=handler, **ended)
            self.kept.ring()
        return claims


def read(shape: type[Event], envelope: Envelope) -> Event:
    """Give the event in an envelope; raises Poison when this installation cannot read it."""
    if envelope.version > shape.version():
        message = f"version {envelope.version} of {envelope.topic} is newer than {shape.version()}, which is read here"
        raise Poison(message)
    try:
        return msgspec.json.decode(envelope.data, type=shape)
    except msgspec.DecodeError as error:
        message = f"the data of this {envelope.topic} cannot be read: {error}"
        raise Poison(message) from error


def _noting(settled: list[str], outcome: Outcome) -> Outcome:
    settled.append("settled")
    return outcome
