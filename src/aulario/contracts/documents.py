"""The pages that are generated from the contracts: the catalogue of events for people, and AsyncAPI for programs."""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import dedent
from typing import Any

import msgspec

from aulario.contracts.catalogue import SOURCES, events
from aulario.contracts.event import Event
from aulario.kit import yaml

Hearers = Mapping[str, Sequence[str]]
"""By topic, the handlers that hear it."""

INTRODUCTION = """# Events

What happened, as services tell each other; written by `aulario events catalogue --write` from `src/aulario/contracts/`.
A released event may only gain optional fields. Each is carried in a CloudEvents 1.0 envelope with its tenant, its
partition key, its request id and its trace: [asyncapi.yaml](asyncapi.yaml) has all shapes for programs.
"""

_ATTRIBUTES = {
    "specversion": "CloudEvents version, 1.0",
    "id": "UUIDv7; handlers know an event by it, so that it has one effect",
    "source": "/aulario/ and the service that recorded it",
    "type": "name and version of the event",
    "subject": "what the event is about: its partition key",
    "time": "when it was recorded, or was due (RFC 3339)",
    "datacontenttype": "application/json",
    "tenantid": "the academy it belongs to",
    "partitionkey": "events of one key come in the order they were recorded",
    "requestid": "the request that everything began with",
    "traceparent": "W3C trace context of the span that recorded it",
}


def page(hearers: Hearers) -> str:
    """Write the catalogue in Markdown: each event, who records it, who hears it, what it holds."""
    chapters = (_chapter(service, shapes, hearers) for service, shapes in events().items())
    return INTRODUCTION + "".join(chapters)


def asyncapi(hearers: Hearers, version: str) -> str:
    """Write all channels, operations and shapes as an AsyncAPI 3.0 document in YAML."""
    shapes = {shape: service for service, found in events().items() for shape in found}
    _, schemas = msgspec.json.schema_components(list(shapes), ref_template="#/components/schemas/{name}")
    headers = {name: {"type": "string", "description": text} for name, text in _ATTRIBUTES.items()}
    schemas["CloudEvent"] = {"type": "object", "properties": headers, "required": list(headers)}
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Aulario", "version": version, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": {shape.topic(): _channel(shape) for shape in shapes},
        "operations": dict(_operations(shapes, hearers)),
        "components": {"messages": {shape.type: _message(shape) for shape in shapes}, "schemas": schemas},
    }
    return yaml.dumps(document)


def _chapter(service: str, shapes: Sequence[type[Event]], hearers: Hearers) -> str:
    about = _summary(SOURCES[service]).partition(": ")[2].capitalize()
    return f"\n## {service}\n\n{about}\n" + "".join(_section(shape, hearers) for shape in shapes)


def _channel(shape: type[Event]) -> dict[str, Any]:
    message = {"$ref": f"#/components/messages/{shape.type}"}
    return {"address": shape.topic(), "description": _summary(shape), "messages": {shape.type: message}}


def _operations(shapes: Mapping[type[Event], str], hearers: Hearers) -> Iterator[tuple[str, Any]]:
    for shape, service in shapes.items():
        channel = f"#/channels/{shape.topic()}"
        about = {"channel": {"$ref": channel}, "messages": [{"$ref": f"{channel}/messages/{shape.type}"}]}
        yield f"{service}.record.{shape.topic()}", {"action": "send", **about}
        for handler in hearers.get(shape.topic(), ()):
            yield f"{handler}.{shape.topic()}", {"action": "receive", **about}


def _message(shape: type[Event]) -> dict[str, Any]:
    return {
        "name": shape.type,
        "summary": _summary(shape),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEvent"},
        "payload": {"$ref": f"#/components/schemas/{shape.__name__}"},
    }


def _section(shape: type[Event], hearers: Hearers) -> str:
    heard = ", ".join(f"`{name}`" for name in hearers.get(shape.topic(), ())) or "nobody yet"
    kept = "for ever" if shape.kept is None else f"{shape.kept.days} days"
    lines = [
        f"\n### `{shape.type}`\n",
        f"{_summary(shape)}\n",
        f"- heard by: {heard}",
        f"- key: `{shape.key}`; a replay is safe: {kept}\n",
        "| field | type | meaning |",
        "|---|---|---|",
    ]
    remarks = {name: text for base in reversed(shape.__mro__) for name, text in _remarks(base).items()}
    types = msgspec.inspect.type_info(shape)
    for field in types.fields if isinstance(types, msgspec.inspect.StructType) else ():
        optional = "" if field.required else " (optional)"
        lines.append(f"| `{field.name}` | {_named(field.type)}{optional} | {remarks.get(field.name, '')} |")
    return "\n".join(lines) + "\n"


def _named(kind: msgspec.inspect.Type) -> str:
    """Name a type as a reader of JSON thinks of it."""
    match kind:
        case msgspec.inspect.EnumType(cls=enum):
            return " or ".join(f"`{member.value}`" for member in enum)
        case msgspec.inspect.StructType(cls=struct, fields=fields):
            return f"{struct.__name__} ({', '.join(f'`{field.name}`: {_named(field.type)}' for field in fields)})"
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return f"list of {_named(item)}"
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_named(one) for one in types)
    return _PLAIN.get(type(kind), type(kind).__name__)


_PLAIN = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.BoolType: "true or false",
    msgspec.inspect.DecimalType: "decimal, as text",
    msgspec.inspect.DateTimeType: "instant (RFC 3339)",
    msgspec.inspect.NoneType: "null",
}


def _summary(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n\n")[0]


def _remarks(shape: type) -> dict[str, str]:
    """Read what stands under a shape's fields in its source."""
    if not issubclass(shape, Event) or shape is Event:
        return {}
    (definition,) = ast.parse(dedent(inspect.getsource(shape))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: str(remark.value.value)
        for field, remark in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(remark, ast.Expr)
        and isinstance(remark.value, ast.Constant)
    }
