"""Writes YAML that any reader understands: the few kinds of values JSON has, in the same order always."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]*")
# YAML 1.1 reads these as something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def dumps(value: Mapping[str, Any]) -> str:
    """Write a mapping as a YAML document; texts are quoted as JSON quotes them, which YAML reads too."""
    return "\n".join(_mapping(value, "")) + "\n"


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, inner in value.items():
        name = key if _PLAIN.fullmatch(key) and key.lower() not in _WORDS else _text(key)
        yield from _entry(f"{indent}{name}:", inner, indent)


def _sequence(value: Sequence[Any], indent: str) -> Iterator[str]:
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            first, *rest = _mapping(inner, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", inner, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, f"{indent}  ")
    elif isinstance(value, list | tuple) and value:
        yield head
        yield from _sequence(value, f"{indent}  ")
    else:
        yield f"{head} {_text(value)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
