"""What an event is: a frozen shape with a type, a partition key and a policy for time."""

from datetime import timedelta
from typing import Any, ClassVar, Literal

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A fact that happened. Readers ignore fields they do not know; writers cannot add any."""

    type: ClassVar[str]
    """`<noun>.<past verb>.v<N>`."""
    key: ClassVar[str]
    """The field whose value orders events: those of one key are delivered in the order they were recorded."""
    channel: ClassVar[str | None] = None
    """Format of the live channel it is pushed to, such as `forum:{topic_id}`."""
    missed: ClassVar[Literal["late", "skip"]] = "late"
    """What becomes of a due event whose instant passed by more than `tolerance` while the system was down."""
    tolerance: ClassVar[timedelta] = timedelta(minutes=5)
    kept: ClassVar[timedelta | None] = timedelta(days=30)
    """How long an inbox remembers it, hence how long a replay is safe; None: for ever (money)."""

    @classmethod
    def topic(cls) -> str:
        """Give the type without its version: what brokers and subscribers call it."""
        return cls.type.rpartition(".v")[0]

    @classmethod
    def version(cls) -> int:
        return int(cls.type.rpartition(".v")[2])

    def partition_key(self) -> str:
        return str(getattr(self, self.key))


class Envelope(msgspec.Struct, frozen=True):
    """An event on its way, with CloudEvents 1.0 attributes and our extensions; `data` is the event's JSON."""

    id: str
    source: str
    topic: str
    version: int
    tenant: str
    key: str
    time: str
    request_id: str
    traceparent: str
    data: str
    sequence: int = 0
    """Position in its outbox, given by the commit; never part of what is sent."""

    def cloudevent(self) -> dict[str, Any]:
        """Give the JSON format of CloudEvents 1.0 (section 3 of its JSON event format)."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/aulario/{self.source}",
            "type": f"{self.topic}.v{self.version}",
            "subject": self.key,
            "time": self.time,
            "datacontenttype": "application/json",
            "tenantid": self.tenant,
            "partitionkey": self.key,
            "requestid": self.request_id,
            "traceparent": self.traceparent,
            "data": msgspec.json.decode(self.data),
        }
