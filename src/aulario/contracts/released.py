"""What was promised about events: shapes that are out may gain optional fields, and change in no other way."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from aulario.contracts.catalogue import events

RELEASED = Path(__file__).with_name("released.json")

Shapes = Mapping[str, Any]
"""By event type: its partition key, and its JSON Schema with everything it refers to."""

# Words about a shape are no part of it.
_WORDS = ("title", "description")


def today() -> Shapes:
    """Give the shapes as the code has them."""
    return {
        shape.type: {"key": shape.key, "schema": _inlined(msgspec.json.schema(shape))}
        for shapes in events().values()
        for shape in shapes
    }


def released() -> Shapes:
    """Give the shapes as they were released."""
    shapes: Shapes = json.loads(RELEASED.read_text(encoding="utf-8"))
    return shapes


def release() -> list[str]:
    """Promise what is new, and leave what was promised before as it is; gives the new types."""
    before = released()
    new = {name: shape for name, shape in today().items() if name not in before}
    if new:
        text = json.dumps({**before, **new}, indent=2, sort_keys=True)
        RELEASED.write_text(f"{text}\n", encoding="utf-8")
    return sorted(new)


def breaks(before: Shapes, after: Shapes) -> list[str]:
    """Tell what a reader or a kept event of the earlier shapes would trip over; nothing when nothing breaks."""
    return [
        f"{name}{fault}"
        for name, shape in before.items()
        for fault in (_faults(shape, after[name]) if name in after else [": the event is gone"])
    ]


def _faults(before: Any, after: Any) -> Iterator[str]:
    if before["key"] != after["key"]:
        yield f": the partition key was {before['key']} and is {after['key']}"
    yield from _object(before["schema"], after["schema"], "")


def _object(before: Any, after: Any, path: str) -> Iterator[str]:
    old, new = before.get("properties", {}), after.get("properties", {})
    must, now_must = set(before.get("required", ())), set(after.get("required", ()))
    for name in old:
        if name not in new:
            yield f"{path}.{name}: the field is gone"
            continue
        if (name in must) != (name in now_must):
            yield f"{path}.{name}: was {_need(name, must)} and is {_need(name, now_must)}"
        yield from _value(old[name], new[name], f"{path}.{name}")
    yield from (f"{path}.{name}: a new field must be optional" for name in new if name not in old and name in now_must)


def _value(before: Any, after: Any, path: str) -> Iterator[str]:
    if before.get("type") == after.get("type") == "object":
        yield from _object(before, after, path)
    elif before.get("type") == after.get("type") == "array":
        yield from _value(before.get("items", {}), after.get("items", {}), f"{path}[]")
    elif before != after:
        yield f"{path}: was {json.dumps(before)} and is {json.dumps(after)}"


def _need(name: str, required: set[str]) -> str:
    return "required" if name in required else "optional"


def _inlined(schema: Any) -> Any:
    """Put what a schema refers to in its place, and leave out the words."""
    definitions = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return inline(definitions[part["$ref"].rpartition("/")[2]])
        # A field may be called title; only the schema's own title is a word about it.
        return {
            name: {field: inline(one) for field, one in inner.items()} if name == "properties" else inline(inner)
            for name, inner in part.items()
            if name not in _WORDS
        }

    return inline({name: inner for name, inner in schema.items() if name != "$defs"})
