"""What was released stays: kept events and readers elsewhere go by shapes that may only gain optional fields."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from aulario.contracts import released
from aulario.contracts.released import breaks

BEFORE: dict[str, Any] = {
    "lesson.held.v1": {
        "key": "lesson_id",
        "schema": {
            "type": "object",
            "properties": {
                "lesson_id": {"type": "string"},
                "minutes": {"type": "integer"},
                "room": {"type": "string", "default": ""},
                "people": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
                },
            },
            "required": ["lesson_id", "minutes", "people"],
        },
    }
}
LESSON = BEFORE["lesson.held.v1"]

Change = Callable[[Any, Any], object]
"""What is done to the event's schema and to its fields."""


def test_released_events_are_as_they_were() -> None:
    """Every event type that was released still has its fields, their types and its partition key."""
    assert not breaks(released.released(), released.today())


def test_every_event_is_released() -> None:
    """What the code records is promised: `make docs` takes a new type into released.json."""
    assert set(released.released()) == set(released.today())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda _, fields: fields.pop("minutes"), "lesson.held.v1.minutes: the field is gone"),
        (
            lambda _, fields: fields["minutes"].update(type="string"),
            'lesson.held.v1.minutes: was {"type": "integer"} and is {"type": "string"}',
        ),
        (
            lambda schema, fields: (schema["required"].append("link"), fields.update(link={"type": "string"})),
            "lesson.held.v1.link: a new field must be optional",
        ),
        (
            lambda schema, _: schema["required"].append("room"),
            "lesson.held.v1.room: was optional and is required",
        ),
        (
            lambda schema, _: schema["required"].remove("minutes"),
            "lesson.held.v1.minutes: was required and is optional",
        ),
        (
            lambda _, fields: fields["room"].update(default="hall"),
            'lesson.held.v1.room: was {"type": "string", "default": ""} and is {"type": "string", "default": "hall"}',
        ),
        (
            lambda _, fields: fields["people"]["items"]["properties"].pop("id"),
            "lesson.held.v1.people[].id: the field is gone",
        ),
    ],
)
def test_a_breaking_change_is_named(change: Change, fault: str) -> None:
    """Each kind of change that a reader would trip over is told with its event and field."""
    after = deepcopy(BEFORE)
    schema = after["lesson.held.v1"]["schema"]
    change(schema, schema["properties"])
    assert breaks(BEFORE, after) == [fault]


def test_a_removed_event_and_another_key_are_named() -> None:
    """A type that nobody can read any more breaks, and so does an order that its readers relied on."""
    assert breaks(BEFORE, {}) == ["lesson.held.v1: the event is gone"]
    moved = {"lesson.held.v1": {**LESSON, "key": "room"}}
    assert breaks(BEFORE, moved) == ["lesson.held.v1: the partition key was lesson_id and is room"]


def test_what_is_new_and_optional_breaks_nothing() -> None:
    """A new event, a new optional field, also inside a list, are what a released event may gain."""
    after = deepcopy(BEFORE)
    after["lesson.held.v2"] = after["lesson.held.v1"]
    fields = after["lesson.held.v1"]["schema"]["properties"]
    fields["link"] = {"type": "string", "default": ""}
    fields["people"]["items"]["properties"]["name"] = {"type": "string", "default": ""}
    assert breaks(BEFORE, after) == []


def test_a_release_adds_and_never_rewrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was promised stays as it was promised, even where the code has moved on; only new types are added."""
    file = tmp_path / "released.json"
    file.write_text('{"user.created.v1": {"key": "user_id", "schema": {"type": "object"}}}')
    monkeypatch.setattr(released, "RELEASED", file)
    added = released.release()
    assert "order.created.v1" in added
    assert "user.created.v1" not in added
    assert released.released()["user.created.v1"]["schema"] == {"type": "object"}
    assert released.released()["order.created.v1"] == released.today()["order.created.v1"]
    assert released.release() == []


def test_words_are_no_part_of_a_shape() -> None:
    """A docstring may be improved; what is kept of a shape holds neither words nor references."""
    order = released.today()["order.created.v1"]["schema"]
    assert "description" not in order
    assert "title" not in order
    assert order["properties"]["items"]["items"]["required"] == ["product_id", "quantity", "price"]
    assert released.today()["course.published.v1"]["schema"]["properties"]["title"] == {"type": "string"}
