"""The time of day as something that is handed in, so that a test can set it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Whatever knows the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""


class SystemClock:
    """The clock of this machine. It may step, so it orders nothing."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move by `step`, which may be negative: real clocks are set back too."""
        self._now += step

    def set(self, instant: datetime) -> None:
        self._now = _in_utc(instant)


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        message = f"an instant needs its time zone: {instant.isoformat()}"
        raise ValueError(message)
    return instant.astimezone(UTC)
