"""The welcome course an academy begins with, in its own language."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple


class Welcome(NamedTuple):
    """What the first course says, and costs."""

    title: str
    description: str
    price: Decimal


def welcome_course(language: str, academy: str) -> Welcome:
    """Give the course a new academy starts with; English unless the academy's language is Spanish."""
    title, description = _WORDS["es" if language == "es" else "en"]
    return Welcome(title, description.format(academy=academy), Decimal("5.00"))


def later(now: datetime, before: datetime) -> datetime:
    """Give a time after another: now, or a moment after it where the clock was set back."""
    return max(now, before + timedelta(microseconds=1))


_WORDS = {
    "en": ("Welcome", "How learning works at {academy}: your courses, your teachers, and where to ask."),
    "es": ("Bienvenida", "Cómo se aprende en {academy}: tus cursos, tus profesores y dónde preguntar."),
}
