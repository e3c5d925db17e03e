"""YAML as we write it, read by a reader that was written by others."""

from typing import Any

import yaml as reader
from hypothesis import given
from hypothesis import strategies as st

from aulario.kit import yaml

# What pages are written in: no control characters, no halves of surrogate pairs.
TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20) | st.sampled_from(
    ["on", "No", "null"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(bool), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT.filter(bool), VALUES, max_size=5))
def test_what_is_written_is_read(value: dict[str, Any]) -> None:
    """Any mapping of what JSON has comes back as it was, empty and odd texts included."""
    assert (reader.safe_load(yaml.dumps(value)) or {}) == value


def test_it_is_pleasant_to_read() -> None:
    """Plain keys stand without quotes, and a list of mappings has its dashes at the first key."""
    text = yaml.dumps({"info": {"title": "Aulario"}, "messages": [{"name": "a", "size": 1}, "b"], "user.created": {}})
    assert text == ('info:\n  title: "Aulario"\nmessages:\n  - name: "a"\n    size: 1\n  - "b"\n"user.created": {}\n')
