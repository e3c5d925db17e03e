"""Lists in pages: newest first, of a capped size, followed by a cursor that stays right while rows are added."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

MAX_LIMIT = 100
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""Sorts behind every id: where a list without a cursor begins."""

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row")


class Page(BaseModel):
    """Which part of a list is wanted: ids are UUIDv7, so order of id is order of making."""

    before: str = LAST
    limit: int = 50


class Paged(BaseModel, Generic[Item]):
    """One page; `next` is the cursor of the page behind it, null on the last."""

    items: list[Item]
    next: str | None


def _page(
    cursor: Annotated[str | None, Query(description="`next` of the page before", max_length=36)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
) -> Page:
    return Page(before=cursor or LAST, limit=limit)


WantedPage = Annotated[Page, Depends(_page)]


def paged(shape: type[Item], rows: Sequence[object], page: Page) -> Paged[Item]:
    """Make a page of up to `limit + 1` rows, the last of which only tells that there is more."""
    items = [shape.model_validate(row, from_attributes=True) for row in rows[: page.limit]]
    more = len(rows) > page.limit
    return Paged[shape](items=items, next=items[-1].id if more else None)  # type: ignore[valid-type, attr-defined]  # made of a row with an id
