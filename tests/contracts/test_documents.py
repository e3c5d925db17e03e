"""The generated pages: current, and what they say can be read by people and by programs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aulario.cli.events.catalogue import hearers, pages
from aulario.contracts import documents
from aulario.contracts.catalogue import events

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def api() -> Any:
    return yaml.safe_load(documents.asyncapi(hearers(), "1.2.3"))


@pytest.mark.parametrize("name", ["events.md", "asyncapi.yaml"])
def test_pages_are_current(name: str) -> None:
    """Whoever changes an event writes its pages anew: make docs."""
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


def test_every_event_has_its_place(api: Any) -> None:
    """Each event is a channel, a message and a shape; its service sends it and each of its handlers receives it."""
    heard = hearers()
    for service, shapes in events().items():
        for shape in shapes:
            assert api["channels"][shape.topic()]["address"] == shape.topic()
            message = api["components"]["messages"][shape.type]
            assert message["payload"]["$ref"].rpartition("/")[2] in api["components"]["schemas"]
            assert api["operations"][f"{service}.record.{shape.topic()}"]["action"] == "send"
            for handler in heard.get(shape.topic(), ()):
                assert api["operations"][f"{handler}.{shape.topic()}"]["action"] == "receive"


def test_every_reference_leads_somewhere(api: Any) -> None:
    """No `$ref` of the document is broken."""

    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [found for one in part for found in references(one)]
        if not isinstance(part, dict):
            return []
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for one in part.values() for found in references(one)]

    for reference in references(api):
        place = api
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_the_page_says_what_a_reader_asks() -> None:
    """Who records and hears an event, how long a replay is safe, each field's type, and the words of the contract."""
    page = documents.page({"user.created": ["orders.on_user_created"]})
    assert "### `user.created.v1`\n\nA person joined an academy.\n\n- heard by: `orders.on_user_created`" in page
    assert "| `attempt` | integer | 1 for the first payment, one more for each retry. |" in page
    assert "| `reason` | text or null |  |" in page
    assert "- key: `order_id`; a replay is safe: for ever" in page
