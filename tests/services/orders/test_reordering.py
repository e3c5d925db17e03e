"""Orders hear of one thing in any order and any number of times, and end up right (F15)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aulario.backends.database.sqlite import SqliteDatabase
from aulario.contracts.courses import CoursePublished
from aulario.contracts.event import Envelope, Event
from aulario.contracts.identity import Role, UserCreated
from aulario.contracts.payments import PaymentCompleted, PaymentFailed
from aulario.core.auth import Caller
from aulario.core.consuming import Consumer
from aulario.core.context import Context
from aulario.core.errors import Conflict
from aulario.core.migrating import migrate
from aulario.core.relay import StoreLog
from aulario.core.unit_of_work import Store
from aulario.kit.clock import ManualClock
from aulario.kit.ids import uuid7
from aulario.services.orders import actions, orders, queries
from aulario.services.orders.models import Order
from tests.conftest import NOON
from tests.core.conftest import Hand

USER = "u1"
PRICES = {1: Decimal("40.00"), 2: Decimal("30.00"), 3: Decimal("20.00")}
HEARD = [("user", 0), ("user", 1), *(("course", version) for version in PRICES)]
ENDINGS = st.sampled_from([("failed", 1), ("failed", 2), ("completed", 1), ("completed", 2), ("retry", 0)])
PAYMENTS = st.lists(st.tuples(ENDINGS, st.integers(0, 1)), max_size=12)
"""What is heard, and whether it is the one event or another that tells the same."""


@dataclass
class Academy:
    """One academy of the real orders service; what it is told comes in envelopes, as from a broker."""

    store: Store
    consumer: Consumer
    tenant: str = field(default_factory=uuid7)
    heard: dict[str, Envelope] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        return Context.root(tenant=self.tenant)

    async def hear(self, name: str, event: Event) -> None:
        """Deliver an event; one of the same name is the same event, given again."""
        data = msgspec.json.encode(event).decode()
        envelope = Envelope(
            *(uuid7(), "elsewhere", event.topic(), event.version(), self.tenant, event.partition_key()),
            *(NOON.isoformat(), uuid7(), "", data, len(self.heard) + 1),
        )
        handler = next(name for name, found in orders.named_handlers().items() if isinstance(event, found.event))
        await self.consumer.take(handler, [self.heard.setdefault(name, envelope)], Hand())

    async def join(self, said: int) -> None:
        """Tell that the person joined; `said` numbers separate events that tell the same."""
        joined = UserCreated(user_id=USER, email="u@n.example", name="U", roles=(Role.STUDENT,), created_at=NOON)
        await self.hear(f"user {said}", joined)

    async def publish(self, version: int) -> None:
        course = CoursePublished(
            course_id=f"{self.tenant}/c1",
            title="Bread",
            price=PRICES[version],
            currency="EUR",
            welcome=True,
            published_at=NOON + timedelta(hours=version),
        )
        await self.hear(f"course {version}", course)

    async def end_payment(self, outcome: str, attempt: int, said: int) -> None:
        order = await self.order()
        kind = PaymentCompleted if outcome == "completed" else PaymentFailed
        ended = kind(
            payment_id=f"p{attempt}",
            order_id=order.id,
            attempt=attempt,
            user_id=USER,
            amount=order.total_amount,
            currency="EUR",
            gateway="simulated",
            status=outcome,
            reason=None if kind is PaymentCompleted else "the card was declined",
            completed_at=NOON,
        )
        await self.hear(f"{outcome} {attempt} {said}", ended)

    async def retry(self) -> bool:
        """Ask to pay again, as the owner; tells whether that was possible."""
        try:
            caller = Caller(USER, self.tenant, frozenset(), "s1")
            await self.store.work(self.context, actions.retry, caller, (await self.order()).id)
        except Conflict:
            return False
        return True

    async def order(self) -> Order:
        found = await self.store.read(self.context, queries.welcome_order, USER)
        assert found is not None
        return found

    async def said(self, topic: str) -> int:
        """Count the events of a topic that orders recorded for this academy."""
        events = await StoreLog(self.store).after(0, topic, 100_000)
        return sum(event.tenant == self.tenant for event in events)


@pytest.fixture
async def academy(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Academy]:
    database = SqliteDatabase(tmp_path / "orders.db", durable=False)
    migrate(database.engine, "orders", orders.migrations)
    store = Store("orders", database, clock)
    yield Academy(store, Consumer(store, orders.named_handlers(), owner="test"))
    await database.close()


def again(academy: Academy) -> Academy:
    """Give another academy on the same database, for the next example."""
    return Academy(academy.store, academy.consumer)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(heard=st.permutations(HEARD * 2), take=st.integers(0, 10))
async def test_a_person_and_a_course_meet_in_any_order(
    academy: Academy, heard: list[tuple[str, int]], take: int
) -> None:
    """Whoever comes first waits for the other: one order, once announced, at terms that were published, newest kept."""
    academy = again(academy)
    for kind, number in (*heard[:take], ("user", 0), ("course", 3), *heard[take:]):
        await (academy.join(number) if kind == "user" else academy.publish(number))
    order = await academy.order()
    assert (order.status, order.attempt, order.product_id) == ("created", 1, f"{academy.tenant}/c1")
    assert order.total_amount in PRICES.values()
    assert await academy.said("order.created") == 1
    offer = await academy.store.read(academy.context, queries.welcome_offer)
    assert offer is not None
    assert offer.price == PRICES[3]
    assert len(await academy.store.read(academy.context, queries.awaiting_course)) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=PAYMENTS)
async def test_payments_may_end_in_any_order(academy: Academy, steps: list[tuple[tuple[str, int], int]]) -> None:
    """An old refusal never spoils a new attempt, paid stays paid and is told once, however often all of it is heard."""
    academy = again(academy)
    await academy.join(0)
    await academy.publish(1)
    status, attempt, known = "created", 1, set[tuple[str, int, int]]()
    for (outcome, number), said in steps:
        if outcome == "retry":
            assert await academy.retry() is (status == "failed")
            if status == "failed":
                status, attempt = "created", attempt + 1
            continue
        await academy.end_payment(outcome, number, said)
        if (outcome, number, said) not in known:
            status = after(status, attempt, outcome, number)
        known.add((outcome, number, said))
        order = await academy.order()
        assert (order.status, order.attempt) == (status, attempt)
    assert await academy.said("order.paid") == (status == "paid")
    assert await academy.said("order.retried") == attempt - 1
    assert await academy.said("order.created") == 1


def after(status: str, attempt: int, outcome: str, number: int) -> str:
    """Give where an order stands when it first hears how a payment ended: the rule, said once more."""
    if status == "paid" or outcome == "completed":
        return "paid"
    return "failed" if number == attempt else status
