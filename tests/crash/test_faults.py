"""Faults in what is stored: a held lock (F13), poison (F17), refused dead letters (F18), a torn log (F23), F33."""

import asyncio
import os
import signal
import sqlite3
import time
from contextlib import closing

import msgspec
import pytest

from aulario.backends.database import sqlite
from aulario.contracts.event import Envelope
from aulario.contracts.identity import UserCreated
from aulario.core.consuming import read
from aulario.core.retrying import Poison
from tests.crash.installation import Installation, calling
from tests.crash.invariants import violations
from tests.crash.traffic import CREATED, Crowd
from tests.crash.waiting import until

POISON = """INSERT INTO outbox (id, source, topic, version, tenant, key, time, request_id, traceparent, data)
SELECT '{0}', source, '{1}', {2}, tenant, key, time, request_id, traceparent, '{3}' FROM outbox
WHERE topic = 'user.created' LIMIT 1"""
BAD = POISON.format("bad", "user.created", 1, '{"user_id":')
BARE = POISON.format("bare", "user.created", 1, '{"name": "nobody"}')
NEWER = POISON.format("newer", "user.created", 2, '{"user_id": "nobody"}')
UNKNOWN = POISON.format("unknown", "user.exploded", 1, "{}")
DEAD = "SELECT event_id, error, attempts FROM inbox WHERE status = 'dead' ORDER BY event_id"
HURRY = "UPDATE inbox SET due = 0 WHERE status = 'waiting'"
REFUSE = """CREATE TRIGGER broken BEFORE INSERT ON {} WHEN {} BEGIN SELECT RAISE(ABORT, 'broken'); END"""
MEND = "DROP TRIGGER broken"


def broken(installation: Installation, crowd: Crowd) -> list[str]:
    """Give the broken invariants, but for the dead letters that a test is about."""
    return [sentence for sentence in violations(installation, crowd.ledger) if not sentence.startswith("H: ")]


async def test_poison_is_put_aside(installation: Installation, crowd: Crowd) -> None:
    """F17: what nobody can read is a dead letter with its reason at once, and what comes after it goes on."""
    process = installation.start()
    url = await process.url()
    installation.write("identity", BAD, UNKNOWN, NEWER, BARE)
    await crowd.post(url, count=20)
    await installation.quiet()

    (bad, bare, newer) = installation.rows("orders", DEAD)
    assert (bad[0], bare[0], newer[0]) == ("bad", "bare", "newer")
    assert all(error.startswith("Poison: the data of this user.created cannot be read") for _, error, _ in (bad, bare))
    assert newer[1] == "Poison: version 2 of user.created is newer than 1, which is read here"
    assert len(crowd.ledger.acknowledged) == 20
    assert broken(installation, crowd) == []


async def test_a_handler_that_always_fails(installation: Installation, crowd: Crowd) -> None:
    """F17: after five attempts an event is put aside with its history; other academies never noticed."""
    north, south = installation.academies
    installation.write("orders", REFUSE.format("orders", f"NEW.tenant_id = '{south.tenant}'"))
    async with installation.running() as platform, calling(platform) as client:
        await crowd.add(client, south, "unlucky@academy.example")
        for number in range(5):
            await crowd.add(client, north, f"lucky-{number}@academy.example")

        def given_up() -> bool:
            # The waits between attempts grow to minutes; the test has not got them.
            installation.write("orders", HURRY)
            return bool(installation.rows("orders", DEAD))

        await until(given_up, "it is given up")
        ((_, error, attempts),) = installation.rows("orders", DEAD)
        assert (error, attempts) == ("IntegrityError", 5)
        ((orders,),) = installation.rows("orders", "SELECT count(*) FROM orders WHERE tenant_id = ?", north.tenant)
        assert orders == 6


async def test_a_dead_letter_cannot_be_stored(installation: Installation, crowd: Crowd) -> None:
    """F18: while a dead letter cannot be kept its event is not acknowledged, and so it comes again until it can."""
    process = installation.start()
    url = await process.url()
    installation.write("orders", REFUSE.format("inbox", "NEW.status <> 'done'"))
    installation.write("identity", NEWER)
    await crowd.post(url, count=20)
    refused = process.output.with_suffix(".err")
    await until(lambda: refused.read_text().count("a loop failed; trying again") > 1, "it came twice")
    ((sequence,),) = installation.rows("identity", "SELECT sequence FROM outbox WHERE id = 'newer'")
    place = "SELECT position FROM positions WHERE handler = 'orders.on_user_created'"
    assert installation.rows("orders", place)[0][0] < sequence

    installation.write("orders", MEND)
    await installation.quiet()
    assert [row[0] for row in installation.rows("orders", DEAD)] == ["newer"]
    assert broken(installation, crowd) == []


async def test_another_process_holds_the_lock(installation: Installation, crowd: Crowd) -> None:
    """F13: requests wait for a lock that somebody else has for a second, and each takes effect once."""
    process = installation.start()
    url = await process.url()
    holders = [
        sqlite3.connect(installation.data / f"{name}.db", isolation_level=None) for name in ("identity", "orders")
    ]
    for holder in holders:
        holder.execute("BEGIN IMMEDIATE")
    posting = asyncio.create_task(crowd.post(url, count=8))
    freed = time.monotonic() + 1
    await until(lambda: time.monotonic() > freed, "a second has passed")
    assert not crowd.ledger.acknowledged
    for holder in holders:
        holder.close()
    assert [answer.status_code for answer in await posting] == [CREATED] * 8
    await installation.quiet()
    assert violations(installation, crowd.ledger) == []


async def test_the_lock_is_held_too_long(
    installation: Installation, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F13: whoever waited long enough is told to come back, nothing is half done, and the same key then makes one."""
    monkeypatch.setattr(sqlite, "LOCK_MILLISECONDS", 200)
    academy = installation.academies[0]
    async with installation.running() as platform, calling(platform) as client:
        with closing(sqlite3.connect(installation.data / "identity.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            refused = await crowd.add(client, academy, "patient@academy.example")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await crowd.ask_again(client)
        await installation.quiet()
    assert violations(installation, crowd.ledger) == []


async def test_the_last_write_was_torn(installation: Installation, crowd: Crowd) -> None:
    """F23: what a power cut left half written at a log's end is left out, and said; what was acknowledged stays."""
    process = installation.start()
    posting = asyncio.create_task(crowd.post(await process.url(), count=1000))
    await until(lambda: len(crowd.ledger.acknowledged) > 50, "people are there")
    await process.kill()
    await posting
    for log in installation.data.glob("*.db-wal"):
        with log.open("ab") as torn:
            torn.write(os.urandom(3000))

    again = installation.start()
    await again.url()
    await installation.quiet()
    assert again.output.with_suffix(".err").read_text().count("the last stop was not clean") == 4
    assert violations(installation, crowd.ledger) == []
    again.popen.send_signal(signal.SIGTERM)
    assert await again.ended() == 0


class Grown(UserCreated, frozen=True):
    """A later reader's shape, with a field that older writers do not know."""

    locale: str = "en"


class Strict(UserCreated, frozen=True):
    """A shape that breaks the rule: its new field has no default."""

    locale: str


@pytest.mark.parametrize("extra", [{}, {"locale": "es"}])
def test_writers_and_readers_of_two_versions(installation: Installation, extra: dict[str, str]) -> None:
    """F33: an old reader passes over what it does not know, a new one fills in what is not there; else it is told."""
    names = ", ".join(Envelope.__struct_fields__)
    (row, *_) = installation.rows("identity", f"SELECT {names} FROM outbox WHERE topic = ?", "user.created")  # noqa: S608 - ours
    envelope = Envelope(*row)
    data = msgspec.json.encode(msgspec.json.decode(envelope.data) | extra).decode()
    written = msgspec.structs.replace(envelope, data=data)
    assert read(UserCreated, written) == read(UserCreated, envelope)
    grown = read(Grown, written)
    assert isinstance(grown, Grown)
    assert grown.locale == extra.get("locale", "en")
    if not extra:
        with pytest.raises(Poison, match="locale"):
            read(Strict, written)
