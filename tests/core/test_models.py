"""Instants and amounts come back from a database exactly as they went in."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from aulario.core.models import Amount, Instant, instant, micros
from aulario.core.unit_of_work import Store, UnitOfWork
from tests.core.conftest import NORTH
from tests.core.sample import Note

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001 - bounds are naive by the library's rule
AMOUNTS = st.decimals(min_value=0, max_value=10**14, places=4)


@given(INSTANTS)
def test_instants_are_exact_to_the_microsecond(moment: datetime) -> None:
    """Any instant of any zone, before 1970 too, is the same instant afterwards, in UTC."""
    assert instant(micros(moment)) == moment
    assert instant(micros(moment)).tzinfo is UTC


@given(INSTANTS, INSTANTS)
def test_numbers_sort_as_instants_do(one: datetime, other: datetime) -> None:
    """The database can compare and order what it cannot understand."""
    assert (micros(one) < micros(other)) is (one < other)


def put(uow: UnitOfWork, note: Note) -> None:
    uow.change(delete(Note).where(Note.id == note.id))
    uow.add(note)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=INSTANTS, price=AMOUNTS)
async def test_a_database_gives_back_what_was_stored(store: Store, moment: datetime, price: Decimal) -> None:
    """Through a real column: no float touches money, and no zone is lost."""
    key = f"{moment.isoformat()}/{price}"
    note = Note(id=key, author="ana", text="", price=price, written_at=moment)
    await store.work(NORTH, put, note)
    found = await store.read(NORTH, lambda view: view.one(select(Note).where(Note.id == key)))
    assert (found.written_at, found.price) == (moment, price)
    assert str(found.price) == str(price)


async def test_nothing_is_nothing(store: Store) -> None:
    """A column that may be empty stays empty."""
    dialect = store.database.engine.dialect
    for kind in (Instant(), Amount()):
        assert kind.process_bind_param(None, dialect) is None
        assert kind.process_result_value(None, dialect) is None


def test_an_instant_without_a_zone_is_refused() -> None:
    """It could be any of thirty-eight instants."""
    with pytest.raises(TypeError):
        micros(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
