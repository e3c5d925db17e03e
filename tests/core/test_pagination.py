"""Lists in pages: none twice, none missed, while others write."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import bindparam, select

from aulario.core.pagination import MAX_LIMIT, Page, Paged, WantedPage, paged
from aulario.core.unit_of_work import Store
from tests.core.conftest import NORTH
from tests.core.sample import Note, post

NEWEST = select(Note).where(Note.id < bindparam("before")).order_by(Note.id.desc()).limit(bindparam("limit"))


class NoteOut(BaseModel):
    id: str
    text: str


async def page(store: Store, wanted: Page) -> Paged[NoteOut]:
    rows = await store.read(NORTH, lambda view: view.all(NEWEST, before=wanted.before, limit=wanted.limit + 1))
    return paged(NoteOut, rows, wanted)


async def test_pages_follow_one_another(store: Store) -> None:
    """From the newest to the oldest, each once, though rows are added while they are turned."""
    for number in range(7):
        await store.work(NORTH, post, str(number))
    found, wanted = [], Page(limit=3)
    while True:
        part = await page(store, wanted)
        found += [note.text for note in part.items]
        await store.work(NORTH, post, "meanwhile")
        if part.next is None:
            break
        wanted = Page(before=part.next, limit=3)
    assert found == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize(("count", "more"), [(0, False), (2, False), (3, False), (4, True)])
async def test_the_last_page_says_so(store: Store, count: int, *, more: bool) -> None:
    """There is a next page when, and only when, there is more."""
    for number in range(count):
        await store.work(NORTH, post, str(number))
    assert ((await page(store, Page(limit=3))).next is not None) is more


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("", 200), ("limit=1", 200), (f"limit={MAX_LIMIT}", 200), ("limit=101", 422), ("limit=0", 422)),
        *(("limit=-1", 422), ("limit=x", 422), ("cursor=" + "x" * 36, 200), ("cursor=" + "x" * 37, 422)),
    ],
)
async def test_sizes_and_cursors_are_capped(query: str, status: int) -> None:
    """Nobody asks for everything at once."""
    app = FastAPI()

    @app.get("/")
    async def show(wanted: WantedPage) -> Page:
        return wanted

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get(f"/?{query}")).status_code == status
