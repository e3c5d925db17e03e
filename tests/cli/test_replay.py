"""`aulario events dead` and `replay`: what was given up is seen in groups, and tried again without a second effect."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aulario.app import open_stores
from aulario.backends.database import Step, Transaction
from aulario.contracts.event import Envelope
from aulario.contracts.identity import Role, UserCreated
from aulario.core import inbox, outbox
from aulario.core.inbox import Failure, Held
from aulario.kit.ids import uuid7
from aulario.settings import Settings
from tests.cli.conftest import PATIENCE, Command, Running

HANDLER = "orders.on_user_created"
OLD = timedelta(days=60)


async def _bury(data: Path, tenant: str, errors: dict[str, str], age: timedelta) -> list[str]:
    """Record good events and let their handler have given them up, each of an error; gives their ids."""
    now = datetime.now(UTC)
    envelopes = [_event(tenant, name, now) for name in errors]

    def given_up(transaction: Transaction) -> None:
        for envelope, error in zip(envelopes, errors.values(), strict=True):
            held = Held(HANDLER, envelope, "dead", 5, None, [Failure(now - age, error)])
            inbox.hold(transaction, held, now - age, timedelta(days=30))

    async with open_stores(Settings(data=data)) as stores:
        await stores["identity"].write([Step(lambda transaction: outbox.append(transaction, envelopes))])
        await stores["orders"].write([Step(given_up)])
    return [envelope.id for envelope in envelopes]


def _event(tenant: str, name: str, now: datetime) -> Envelope:
    created = UserCreated(user_id=uuid7(), email=f"{name}@x.example", name=name, roles=(Role.STUDENT,), created_at=now)
    data = msgspec.json.encode(created).decode()
    moment = now.isoformat()
    return Envelope(uuid7(), "identity", "user.created", 1, tenant, created.user_id, moment, uuid7(), "", data)


Bury = Callable[..., list[str]]


@pytest.fixture
def bury(lived: Path, command: Command) -> Bury:
    """Give up new events of the academy North."""
    (opened, *_) = command("events", "list", "--topic", "tenant.created", "--tenant", "north", "--json").json
    return lambda age=timedelta(), **errors: asyncio.run(_bury(lived, opened["tenantid"], errors, age))


def _states(command: Command, event_id: str) -> list[Any]:
    states: list[Any] = command("events", "show", event_id, "--json").json["handlers"]
    return states


def test_dead_letters_are_grouped(command: Command, bury: Bury) -> None:
    """By handler and error, the largest group first; an academy sees its own; each letter can be listed."""
    bury(ann="no course", ben="no course", cat="too late")
    groups = command("events", "dead", "--json").json
    assert [(group["handler"], group["error"], group["letters"]) for group in groups] == [
        (HANDLER, "no course", 2),
        (HANDLER, "too late", 1),
    ]
    assert command("events", "dead", "--tenant", "sur").out == "There are no dead letters.\n"
    assert command("events", "dead", "--tenant", "north").out.splitlines()[1].split()[0] == "2"
    letters = command("events", "dead", "--letters", "--json").json
    assert [letter["history"][0]["error"] for letter in letters] == ["no course", "no course", "too late"]
    assert letters[0]["envelope"]["id"] in command("events", "dead", "--letters").out


def test_a_replay_says_how_many_and_asks(command: Command, bury: Bury) -> None:
    """It counts first and does nothing without a yes; what is too old is refused, and said to be."""
    (new,) = bury(ann="no course")
    (old,) = bury(OLD, ben="no course")
    said = command("events", "replay", "--all", answer="n\n")
    assert "1 dead letter will be tried again. 1 is refused: too old" in said.out
    assert [state["status"] for state in _states(command, new)] == ["dead"]
    done = command("events", "replay", "--all", "--yes")
    assert done.out.endswith("1 dead letter will be tried again when Aulario next starts.\n")
    assert [state["status"] for state in _states(command, new)] == ["waiting"]
    assert [state["status"] for state in _states(command, old)] == ["dead"]


def test_one_group_or_one_event_is_replayed(command: Command, bury: Bury) -> None:
    """An id, a handler, an error, or a handler's error: what was not meant stays."""
    ann, ben, cat = bury(ann="no course", ben="too late", cat="too late")
    assert "1 dead letter will" in command("events", "replay", ann, "--yes").out
    assert "No dead letter" in command("events", "replay", ann, "--yes").out
    assert "No dead letter" in command("events", "replay", "--handler", "courses.on_order_paid", "--yes").out
    assert "2 dead letters will" in command("events", "replay", "--handler", HANDLER, "--error", "too late", "-y").out
    assert [_states(command, event)[0]["status"] for event in (ann, ben, cat)] == ["waiting"] * 3


@pytest.mark.parametrize("words", [[], ["--all", "--handler", HANDLER], ["x", "--all"]])
def test_what_is_meant_must_be_said(command: Command, words: list[str]) -> None:
    """Neither nothing nor everything-and-something is a choice."""
    assert command("events", "replay", *words).code == 2


def test_a_running_platform_takes_a_replay_up(command: Command, bury: Bury, up: Callable[..., Running]) -> None:
    """The loops of another process notice what was replayed here; each effect happens once, be it replayed twice."""
    (event_id,) = bury(ann="no course")
    running = up()
    said = command("events", "replay", event_id, "--yes")
    assert f"by the Aulario that runs (process {running.process.pid})" in said.out
    deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    while (state := _states(command, event_id)[0])["status"] != "done":
        assert datetime.now(UTC) < deadline, state
    assert "No dead letter" in command("events", "replay", event_id, "--yes").out
    orders = [event["type"] for event in command("events", "show", event_id, "--json").json["later"]]
    assert orders.count("order.created.v1") == 1
    assert running.stop() == 0
