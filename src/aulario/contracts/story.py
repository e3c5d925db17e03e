"""A story: what happened to one thing across services, told in plain words and in order."""

from datetime import datetime
from typing import Literal

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, or that is awaited; `code` names its sentence, `facts` fill it in."""

    at: datetime
    service: str
    code: str
    outcome: Literal["done", "waiting", "failed"]
    facts: dict[str, str] = {}
