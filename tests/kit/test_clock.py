"""The clocks: real time in UTC, and a time that tests set."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from aulario.kit.clock import ManualClock, SystemClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_system_clock_is_in_utc() -> None:
    """The machine's time comes aware, in UTC."""
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)
    assert SystemClock().now().tzinfo is UTC


def test_manual_clock_stands_still_until_moved() -> None:
    """A manual clock moves when told, forwards and backwards."""
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)
    clock.advance(timedelta(hours=-2))
    assert clock.now() == NOON - timedelta(hours=1)


def test_manual_clock_is_set_in_any_zone() -> None:
    """An instant given in another zone is kept as the same instant in UTC."""
    clock = ManualClock(NOON)
    clock.set(datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=-5))))
    assert clock.now() == datetime(2026, 3, 1, 14, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_manual_clock_refuses_a_naive_instant() -> None:
    """An instant without a zone is refused."""
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(NOON.replace(tzinfo=None))
