"""Every route of the installation, and requests made from its own description."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from aulario import edge
from aulario.core.routing import Route, Routes
from aulario.topology import SERVICES

SAMPLES = {
    "email": "sample@north.example",
    "password": "seven lamps behind the harbour",
    "slug": "sample",
    "language": "en",
    "currency": "EUR",
    "roles": ["student"],
    "price": "1.00",
    "total_amount": "1.00",
}
"""What fits a field whose form cannot be read from its type."""


def routes() -> list[Route]:
    groups = [*(service.routes for service in SERVICES), *_of_the_edge()]
    return [route for group in groups for route in group.routes if isinstance(route, Route)]


def _of_the_edge() -> Iterator[Routes]:
    """Give what each file of the edge declares, so that a new file is found by itself."""
    for found in iter_modules(edge.__path__, "aulario.edge."):
        declared = getattr(import_module(found.name), "routes", None)
        if isinstance(declared, Routes):
            yield declared


def method(route: Route) -> str:
    (only,) = set(route.methods or ())
    return only


def named(route: Route) -> str:
    return f"{method(route)} {route.path}"


def filled(route: Route, value: str) -> str:
    """Give the route's address with one value for each of its ids."""
    return re.sub(r"{\w+}", value, route.path)


def query_names(route: Route) -> set[str]:
    found, left = set(), [route.dependant]
    while left:
        dependant = left.pop()
        found |= {field.name for field in dependant.query_params}
        left += dependant.dependencies
    return found


def body(description: dict[str, Any], route: Route, **ids: str) -> Any:
    """Make a body that the route takes, from the API's description; fields whose name ends in `_id` are given."""
    operation = description["paths"][route.path][method(route).lower()]
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return _value("", schema, description["components"]["schemas"], ids.get("every", "x"))


def bodies(description: dict[str, Any]) -> Iterator[tuple[Route, Any]]:
    """Give each route that takes a body, and one it takes."""
    for route in routes():
        if (made := body(description, route)) is not None:
            yield route, made


def _value(name: str, schema: dict[str, Any], shapes: dict[str, Any], every_id: str) -> Any:
    if "$ref" in schema:
        schema = shapes[schema["$ref"].rpartition("/")[2]]
    if name.endswith("_id"):
        return every_id
    if name in SAMPLES:
        return SAMPLES[name]
    if schema.get("type") == "object":
        return {key: _value(key, part, shapes, every_id) for key, part in schema["properties"].items()}
    return {"integer": 1, "number": 1, "boolean": False, "array": []}.get(schema.get("type", ""), "sample")
