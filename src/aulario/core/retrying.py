"""When a handler that failed is tried again, when it is given up, and when it is better left alone for a while."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aulario.core.errors import Problem, Unavailable
from aulario.core.inbox import Failure, Held


class Poison(Exception):
    """An event that no attempt will make readable."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Waits grow from `first` by `factor` up to `longest`, each spread by half of itself either way."""

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 4.0
    longest: timedelta = timedelta(minutes=5)
    streak: int = 10
    """Failures in a row, of any events, after which a handler pauses and probes."""

    def wait(self, attempts: int, chance: random.Random) -> timedelta:
        """Give the time until the next attempt; spread, so that what failed together does not return together."""
        # Beyond some powers a timedelta overflows; any `longest` is passed long before.
        plain = min(self.longest, self.first * self.factor ** min(attempts - 1, 12))
        return plain * chance.uniform(0.5, 1.5)


def failed(held: Held, error: Exception, now: datetime, policy: Policy, chance: random.Random) -> Held:
    """Give what becomes of an event after a failed attempt."""
    attempts = held.attempts if isinstance(error, Unavailable) else held.attempts + 1
    dead = isinstance(error, Poison) or attempts >= policy.attempts
    return Held(
        held.handler,
        held.envelope,
        "dead" if dead else "waiting",
        attempts,
        None if dead else now + policy.wait(max(1, attempts), chance),
        [*held.history, Failure(now, described(error))],
    )


def described(error: Exception) -> str:
    """Name an error for people; the words of unforeseen ones stay out, for they may quote what they were given."""
    return f"{type(error).__name__}: {error}" if isinstance(error, Problem | Poison) else type(error).__name__


LONGEST_PAUSE = timedelta(seconds=30)


@dataclass
class Pauses:
    """Which handlers are paused because everything they try fails, and when each is to be probed."""

    policy: Policy
    _until: dict[str, datetime] = field(default_factory=dict)
    _streaks: dict[str, int] = field(default_factory=dict)

    def succeeded(self, handler: str) -> None:
        self._until.pop(handler, None)
        self._streaks.pop(handler, None)

    def failed(self, handler: str, error: Exception, now: datetime) -> None:
        """Count a failure; an outage pauses the handler at once, a long streak of other errors does too."""
        streak = self._streaks[handler] = self._streaks.get(handler, 0) + 1
        if isinstance(error, Unavailable) or streak >= self.policy.streak:
            doublings = min(6, max(0, streak - 1))
            self._until[handler] = now + min(LONGEST_PAUSE, timedelta(seconds=0.5) * 2**doublings)

    def is_paused(self, handler: str) -> bool:
        """Tell whether new events of a handler are to be kept rather than tried."""
        return handler in self._until

    def open(self, handlers: list[str]) -> list[str]:
        """Give the handlers that may run freely."""
        return [handler for handler in handlers if handler not in self._until]

    def probes(self, now: datetime) -> list[str]:
        """Give the paused handlers that may try one event to see whether the fault is over."""
        return [handler for handler, until in list(self._until.items()) if not now < until <= now + LONGEST_PAUSE]
