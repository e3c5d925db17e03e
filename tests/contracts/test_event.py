"""What an event is: named by its type, ordered by its key, and the same to any reader of CloudEvents."""

import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from aulario.contracts.event import Envelope
from aulario.contracts.orders import Item, OrderCreated
from aulario.contracts.payments import PaymentCompleted
from tests.conftest import NOON
from tests.core.sample import DoorsOpened, NotePosted

ENVELOPE = Envelope(
    "0195-id",
    "orders",
    "order.created",
    2,
    "t1",
    "o1",
    "2026-03-01T12:00:00+00:00",
    "r1",
    "00-trace-span-01",
    '{"order_id":"o1"}',
    7,
)


def test_a_type_is_a_topic_and_a_version() -> None:
    """Brokers and subscribers know the topic; the version says how to read the data."""
    assert NotePosted.topic() == "note.posted"
    assert NotePosted.version() == 2


def test_the_key_is_a_field_of_the_event() -> None:
    """Events of one value of that field keep their order."""
    assert NotePosted(note_id="1", author="ana", text="x").partition_key() == "ana"


def test_what_becomes_of_a_missed_instant_is_part_of_the_type() -> None:
    """Late unless the type says otherwise, and kept for as long as a replay is to be safe."""
    assert (NotePosted.missed, NotePosted.tolerance, NotePosted.kept) == (
        "late",
        timedelta(minutes=5),
        timedelta(days=30),
    )
    assert DoorsOpened.missed == "skip"
    assert (OrderCreated.kept, PaymentCompleted.kept) == (None, None)


def test_a_cloudevent_has_the_attributes_of_the_standard() -> None:
    """CloudEvents 1.0 JSON, its names in lower case letters and digits, ours among its extensions."""
    event = ENVELOPE.cloudevent()
    assert event == {
        "specversion": "1.0",
        "id": "0195-id",
        "source": "/aulario/orders",
        "type": "order.created.v2",
        "subject": "o1",
        "time": "2026-03-01T12:00:00+00:00",
        "datacontenttype": "application/json",
        "tenantid": "t1",
        "partitionkey": "o1",
        "requestid": "r1",
        "traceparent": "00-trace-span-01",
        "data": {"order_id": "o1"},
    }
    assert all(name.isalnum() and name.islower() for name in event)
    assert json.loads(json.dumps(event)) == event


def test_the_place_in_an_outbox_is_not_sent() -> None:
    """It is of use to its own database only."""
    assert "7" not in json.dumps(ENVELOPE.cloudevent()).replace("0195", "")
    assert "sequence" not in ENVELOPE.cloudevent()


def test_an_event_comes_back_from_its_data() -> None:
    """Money to the last place and instants with their zone."""
    item = Item(product_id="p1", quantity=1, price=Decimal("10.10"))
    event = OrderCreated(
        order_id="o1",
        user_id="u1",
        items=(item,),
        total_amount=Decimal("10.10"),
        currency="EUR",
        attempt=1,
        created_at=NOON,
    )
    again = msgspec.json.decode(msgspec.json.encode(event), type=OrderCreated)
    assert again == event
    assert str(again.total_amount) == "10.10"


def test_a_writer_cannot_add_a_field() -> None:
    """Only what the contract declares can be said."""
    with pytest.raises(TypeError):
        NotePosted(note_id="1", author="ana", text="x", colour="green")  # type: ignore[call-arg]  # that is the point


def test_an_event_cannot_be_changed() -> None:
    """What happened has happened."""
    event = NotePosted(note_id="1", author="ana", text="x")
    with pytest.raises(AttributeError):
        event.text = "y"  # type: ignore[misc]  # that is the point
