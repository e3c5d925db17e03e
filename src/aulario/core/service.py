"""What a service is: the declaration that topology.py lists and every service's contents page makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from aulario.contracts.question import Question
from aulario.core.handlers import Handler
from aulario.core.routing import Routes


@dataclass(frozen=True)
class Service:
    """A part of the domain with its own tables, endpoints and events."""

    name: str
    routes: Routes
    tables: MetaData
    migrations: Path
    handlers: tuple[Handler, ...] = ()
    answers: Mapping[type[Question[Any]], Callable[..., Any]] = field(default_factory=dict)
    """Which query answers which question of its contract."""

    def named_handlers(self) -> dict[str, Handler]:
        """Give the handlers by the name the inbox and people know them by: `orders.on_user_created`."""
        return {f"{self.name}.{handler.name}": handler for handler in self.handlers}
