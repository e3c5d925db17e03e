"""Whatever a broker repeats or regroups, the state is the one that single deliveries would have made (F14)."""

import asyncio
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from aulario.backends.database.sqlite import SqliteDatabase
from aulario.contracts.event import Envelope
from aulario.core.consuming import Claimed, Consumer
from aulario.core.errors import Unavailable
from aulario.core.unit_of_work import Store
from aulario.kit.clock import ManualClock
from tests.conftest import NOON
from tests.core import sample
from tests.core.conftest import NORTH, Bench
from tests.core.sample import Boom, Faults

HANDLERS = ("copy", "follow", "tell")
FAULTS: list[list[Exception]] = [[], [], [Boom()], [Boom(), Boom()], [Unavailable("down")]]


class Delivery(RuleBasedStateMachine):
    """Events are recorded, then given two to five times in batches of any cut; some fail a few times first."""

    template: Path
    folders: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.events: list[Envelope] = []
        self.given: dict[str, set[str]] = {handler: set() for handler in HANDLERS}
        self.claims: list[Claimed] = []
        self.bench = self.runner.run(self._open())

    async def _open(self) -> Bench:
        folder = self.folders / str(len(list(self.folders.iterdir())))
        folder.mkdir()
        clock, faults, stores = ManualClock(NOON), Faults(), []
        for name in ("writer", "reader"):
            shutil.copy(self.template, folder / f"{name}.db")
            stores.append(Store(name, SqliteDatabase(folder / f"{name}.db", durable=False), clock))
        consumer = Consumer(stores[1], sample.handlers(faults), owner="me", chance=random.Random(3))
        return Bench(stores[0], stores[1], consumer, clock, faults)

    @rule(author=st.sampled_from(["ana", "ben"]), faults=st.sampled_from(FAULTS))
    def record(self, author: str, faults: list[Exception]) -> None:
        text = f"{author} {len(self.events)}"
        self.bench.faults.of[text] = list(faults)
        self.events += self.runner.run(self.bench.post(text, author=author))

    @precondition(lambda self: self.events)
    @rule(data=st.data(), handler=st.sampled_from(HANDLERS), times=st.integers(2, 5))
    def deliver(self, data: Any, handler: str, times: int) -> None:
        # In the log's order, each as often as drawn, from any point on: all that a broker's promise allows.
        upto = data.draw(st.integers(1, len(self.events)))
        since = data.draw(st.integers(0, min(upto - 1, len(self.given[handler]))))
        batch = [event for event in self.events[since:upto] for _ in range(times)]
        self.given[handler].update(event.id for event in batch)
        self.claims += self.runner.run(self.bench.give(handler, batch))

    @precondition(lambda self: self.claims)
    @rule(at=st.integers(0, 99), lost=st.booleans())
    def answer(self, at: int, *, lost: bool) -> None:
        """An answer arrives, or the process died before it could be stored."""
        claimed = self.claims.pop(at % len(self.claims))
        if not lost:
            self.runner.run(self.bench.consumer.settle(claimed, claimed.request))

    @rule(seconds=st.sampled_from([0, 1, 90, 3600]))
    def wait(self, seconds: int) -> None:
        self.claims += self.runner.run(self.bench.later(seconds=seconds))

    @invariant()
    def no_effect_is_doubled(self) -> None:
        for handler in HANDLERS:
            assert max(Counter(self._effects(handler)).values(), default=0) <= 1

    @invariant()
    def order_is_kept_for_the_handler_that_asked(self) -> None:
        for author in ("ana", "ben"):
            numbers = [int(text.split()[1]) for text in self._effects("follow") if text.startswith(author)]
            assert numbers == sorted(numbers)

    def teardown(self) -> None:
        """In the end all that was given has taken effect, once."""
        for _ in range(40):
            for claimed in [*self.claims, *self.runner.run(self.bench.later(minutes=10))]:
                self.runner.run(self.bench.consumer.settle(claimed, claimed.request))
            self.claims.clear()
        ended = {handler: {int(text.split()[1]) for text in self._effects(handler)} for handler in HANDLERS}
        self.runner.run(self._close())
        self.runner.close()
        for handler, ids in self.given.items():
            assert ended[handler] == {number for number, event in enumerate(self.events) if event.id in ids}

    def _effects(self, handler: str) -> list[str]:
        return self.runner.run(self.bench.effects(handler, NORTH))

    async def _close(self) -> None:
        for store in (self.bench.writer, self.bench.reader):
            await store.database.close()


def test_repeated_delivery_changes_nothing(template: Path, tmp_path: Path) -> None:
    """Every message two to five times, failing handlers and lost answers among them: the same state as once (F14)."""
    machine = type("Machine", (Delivery,), {"template": template, "folders": tmp_path})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=20, deadline=None))
