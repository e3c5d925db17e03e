"""A request that is repeated with its Idempotency-Key is answered as it was the first time, and done once."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel

from aulario.core.context import Context
from aulario.core.errors import Unprocessable
from aulario.core.idempotency import KEPT, Once, Pepper, answered, fingerprint
from aulario.core.sweeping import sweep
from aulario.core.unit_of_work import Store, UnitOfWork
from aulario.kit.clock import ManualClock
from tests.core.conftest import NORTH, SOUTH
from tests.core.sample import Boom, post, texts

ONCE = Once("north", "u1", "POST /notes", "key-1", fingerprint(Pepper(b"pepper"), b"body"))


class NoteOut(BaseModel):
    id: str
    text: str


async def send(store: Store, once: Once = ONCE, text: str = "hello", context: Context = NORTH) -> NoteOut:
    return await store.work(context, lambda uow: answered(uow, once, NoteOut, lambda: post(uow, text)))


async def test_the_same_request_has_the_same_answer(store: Store) -> None:
    """Word for word, and nothing is made a second time."""
    first = await send(store)
    assert await send(store, text="ignored") == first
    assert await store.read(NORTH, texts) == ["hello"]


async def test_requests_at_one_time_are_one(store: Store) -> None:
    """Ten that arrive together get one answer."""
    answers = await asyncio.gather(*(send(store) for _ in range(10)))
    assert len({answer.id for answer in answers}) == 1
    assert await store.read(NORTH, texts) == ["hello"]


async def test_another_body_is_refused(store: Store) -> None:
    """A key that stands for something else is a mistake of the client, and nothing is done."""
    await send(store)
    with pytest.raises(Unprocessable, match="another body"):
        await send(store, ONCE._replace(fingerprint=fingerprint(Pepper(b"pepper"), b"other")))
    assert await store.read(NORTH, texts) == ["hello"]


@pytest.mark.parametrize("other", [{"caller": "u2"}, {"route": "POST /other"}, {"key": "key-2"}])
async def test_a_key_belongs_to_its_caller_and_route(store: Store, other: dict[str, str]) -> None:
    """The same key of somebody else, or for something else, is another request."""
    await send(store)
    await send(store, ONCE._replace(**other))
    assert len(await store.read(NORTH, texts)) == 2


async def test_a_key_belongs_to_its_tenant(store: Store) -> None:
    """Nobody is given what was answered in another academy."""
    first = await send(store)
    assert (await send(store, ONCE._replace(tenant="south"), context=SOUTH)).id != first.id


async def test_a_request_that_failed_may_be_repeated(store: Store) -> None:
    """An error is not kept: the same key can succeed later."""

    def fail(uow: UnitOfWork) -> NoteOut:
        def act() -> object:
            post(uow, "lost")
            raise Boom

        return answered(uow, ONCE, NoteOut, act)

    with pytest.raises(Boom):
        await store.work(NORTH, fail)
    assert (await send(store)).text == "hello"
    assert await store.read(NORTH, texts) == ["hello"]


async def test_answers_are_kept_for_a_day(store: Store, clock: ManualClock) -> None:
    """After 24 hours the key is free again."""
    first = await send(store)
    clock.advance(KEPT - timedelta(seconds=1))
    await sweep(store, {})
    assert await send(store) == first
    clock.advance(timedelta(seconds=1))
    await sweep(store, {})
    assert (await send(store)).id != first.id


def test_fingerprints_are_of_no_use_elsewhere() -> None:
    """A body's digest is another with another key, so a stolen one lets nobody try passwords; the key is not shown."""
    assert fingerprint(Pepper(b"one"), b"body") != fingerprint(Pepper(b"two"), b"body")
    assert "one" not in repr(Pepper(b"one"))
