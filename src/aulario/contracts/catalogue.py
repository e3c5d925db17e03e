"""Every event there is, by type: what the documents and the readers go by."""

from aulario.contracts import courses, identity, orders, payments
from aulario.contracts.event import Event

SOURCES = {"courses": courses, "identity": identity, "orders": orders, "payments": payments}


def events() -> dict[str, list[type[Event]]]:
    """Give each service's events in the order its contract declares them."""
    return {
        service: [shape for shape in vars(module).values() if _is_event(shape, module.__name__)]
        for service, module in SOURCES.items()
    }


def source_of(topic: str) -> str:
    """Give the service that records a topic; raises KeyError for one that nobody records."""
    return _SOURCE_BY_TOPIC[topic]


def _is_event(shape: object, module: str) -> bool:
    return (
        isinstance(shape, type) and issubclass(shape, Event) and shape.__module__ == module and hasattr(shape, "type")
    )


_SOURCE_BY_TOPIC = {shape.topic(): service for service, shapes in events().items() for shape in shapes}
