"""Draws a story as a Mermaid sequence diagram from its spans alone: the same picture for every run of the story."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from aulario.backends.traces import Span

CLIENT = "client"
"""Who calls from outside."""
OUTSIDE = ""
"""The parent of what no span of the trace led to."""

Shape: TypeAlias = tuple[Any, ...]

# Mermaid ends a message at a semicolon, and reads an entity after a number sign.
_ESCAPES = str.maketrans({"#": "#35;", ";": "#59;"})
_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b", re.IGNORECASE)
_RESERVED = re.compile(
    r"(de)?activate|actor|alt|and|as|autonumber|box|break|create|critical|destroy|else|end|left|links?|loop|note|off|opt"
    r"|over|par|participant|properties|rect|right|title",
    re.IGNORECASE,
)


class Delivery(NamedTuple):
    """An event on its way to one handler, with all attempts to handle it, the last one last."""

    sender: str
    attempts: list[Span]


def sequence_diagram(spans: Iterable[Span]) -> str:
    """Draw the spans of one trace.

    What is synchronous is drawn in order beneath its caller, then the reply, then the deliveries it led to, breadth
    first, by the order their events were recorded in: never by the time of branches that ran beside one another.
    """
    drawing = _Drawing(_Story(spans))
    drawing.draw()
    return drawing.text()


def as_page(title: str, story: str, diagram: str) -> str:
    """Give a Markdown page with the diagram in it."""
    note = "Drawn from the trace of a run; a test fails when a fresh run draws another picture."
    return f"# {title}\n\n{story.strip()}\n\n```mermaid\n{diagram.strip()}\n```\n\n{note}\n"


class _Story:
    """The spans as a tree, in an order that does not depend on who was faster."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = {span.span_id: span for span in spans}
        self._children: defaultdict[str, list[Span]] = defaultdict(list)
        for span in self._spans.values():
            self._children[span.parent_id if span.parent_id in self._spans else OUTSIDE].append(span)
        self._shapes: dict[str, Shape] = {}

    def calls(self, parent: str) -> list[Span]:
        """Give what was done within a span, in order; clients that only wait for something are left out."""
        children = self._children[parent]
        return self._in_order(each for each in children if each.kind != "CONSUMER" and not _is_poll(each))

    def deliveries(self, parent: str) -> list[Delivery]:
        """Give the deliveries of the events that a span recorded, in the order of its outbox."""
        found: defaultdict[Shape, list[Span]] = defaultdict(list)
        for child in self._children[parent]:
            if child.kind == "CONSUMER":
                found[_place(child), child.attributes.get("messaging.message.id")].append(child)
        recorder = self._spans.get(parent)
        deliveries = [
            Delivery(recorder.service if recorder else _source(attempts[0]), sorted(attempts, key=_time))
            for attempts in found.values()
        ]
        return sorted(deliveries, key=lambda each: (_place(each.attempts[0]), [*map(self._shape, each.attempts)]))

    def shows_other_side(self, span: Span) -> bool:
        """Tell whether the receiver of a call or of a message left a span of its own."""
        children = self._children[span.span_id]
        if span.kind == "PRODUCER":
            return any(child.kind == "CONSUMER" for child in children)
        return any(child.kind == "SERVER" and child.service != span.service for child in children)

    def _in_order(self, spans: Iterable[Span]) -> list[Span]:
        """Order by time what followed one another, and by what it looks like what ran at once."""
        remaining = sorted(spans, key=self._shape)
        ordered: list[Span] = []
        while remaining:
            # Whoever began before the first of them ended is not known to have waited for any of them.
            end = min(span.end_ns for span in remaining)
            following = next(span for span in remaining if span.start_ns < end or span.end_ns == end)
            remaining.remove(following)
            ordered.append(following)
        return ordered

    def _shape(self, span: Span) -> Shape:
        """Give what a span and all beneath it look like, as something that can be compared."""
        if span.span_id not in self._shapes:
            beneath = [*map(self._shape, self.calls(span.span_id))]
            for delivery in self.deliveries(span.span_id):
                beneath += map(self._shape, delivery.attempts)
            own = (span.kind, span.service, _label(span), _peer(span), _answer(span), span.error, _rows(span))
            self._shapes[span.span_id] = (*own, tuple(beneath))
        return self._shapes[span.span_id]


class _Drawing:
    """The lines of a diagram; participants stand in the order of their first appearance."""

    def __init__(self, story: _Story) -> None:
        self._story = story
        self._waiting: deque[Delivery] = deque()
        self._names: dict[str, str] = {}
        self._lines: list[str] = []

    def draw(self) -> None:
        for root in self._story.calls(OUTSIDE):
            self._visit(root, CLIENT)
            self._deliver_all()
        self._waiting.extend(self._story.deliveries(OUTSIDE))
        self._deliver_all()

    def text(self) -> str:
        participants = [
            f"participant {name}" + (f" as {_plain(shown)}" if shown != name else "")
            for shown, name in self._names.items()
        ]
        return "\n    ".join(["sequenceDiagram", *participants, *self._lines]) + "\n"

    def _visit(self, span: Span, caller: str) -> None:
        peer = _peer(span)
        if span.kind == "SERVER":
            self._call(span, caller, span.service)
        elif not peer or self._story.shows_other_side(span):
            self._within(span)
        elif span.kind == "PRODUCER":
            self._arrow(span.service, "-)", peer, _label(span))
            self._within(span)
        else:
            self._call(span, span.service, peer)

    def _call(self, span: Span, caller: str, callee: str) -> None:
        self._arrow(caller, "->>", callee, _label(span))
        self._within(span)
        answer = _answer(span)
        self._arrow(callee, "-->>" if answer else "--x", caller, answer or span.error)

    def _within(self, span: Span) -> None:
        """Draw what was done within a span; the deliveries it led to are drawn later."""
        for call in self._story.calls(span.span_id):
            self._visit(call, span.service)
        if rows := _rows(span):
            self._note(span.service, f"{rows} in one transaction")
        self._waiting.extend(self._story.deliveries(span.span_id))

    def _deliver_all(self) -> None:
        while self._waiting:
            self._deliver(*self._waiting.popleft())

    def _deliver(self, sender: str, attempts: list[Span]) -> None:
        last = attempts[-1]
        self._arrow(sender, "-x" if last.error else "-)", last.service, _label(last))
        # A call out and the effect of its answer are two spans of one attempt: failures tell how often it was retried.
        retries = sum(1 for attempt in attempts if attempt.error) - bool(last.error)
        if retries:
            self._note(last.service, "retried once" if retries == 1 else f"retried {retries} times")
        for attempt in [each for each in attempts if not each.error] or [last]:
            self._within(attempt)

    def _arrow(self, sender: str, arrow: str, receiver: str, text: str) -> None:
        self._lines.append(f"{self._name(sender)}{arrow}{self._name(receiver)}: {_plain(text)}")

    def _note(self, participant: str, text: str) -> None:
        self._lines.append(f"Note over {self._name(participant)}: {_plain(text)}")

    def _name(self, participant: str) -> str:
        """Give a participant's name in a form that Mermaid takes for one."""
        if participant not in self._names:
            name = re.sub(r"\W+", "_", participant, flags=re.ASCII).strip("_") or "unknown"
            while _RESERVED.fullmatch(name) or name in self._names.values():
                name += "_"
            self._names[participant] = name
        return self._names[participant]


def _place(span: Span) -> Shape:
    """Give where a delivery stands among those of one span: by its event's place in the outbox first."""
    handler = str(span.attributes.get("aulario.handler", span.name))
    return int(span.attributes.get("aulario.sequence", 0)), _label(span), span.service, handler


def _time(span: Span) -> tuple[int, int]:
    return span.start_ns, span.end_ns


def _label(span: Span) -> str:
    """Say what a span is about, in words that are the same in every run."""
    attributes = span.attributes
    if span.kind == "SERVER" and "http.route" in attributes:
        return f"{attributes.get('http.request.method', '')} {attributes['http.route']}"
    return str(attributes.get("rpc.method") or attributes.get("messaging.destination.name") or span.name)


def _peer(span: Span) -> str:
    return str(span.attributes.get("peer.service", ""))


def _rows(span: Span) -> str:
    return str(span.attributes.get("aulario.rows", ""))


def _source(span: Span) -> str:
    return str(span.attributes.get("aulario.source", CLIENT))


def _is_poll(span: Span) -> bool:
    return bool(span.attributes.get("aulario.poll"))


def _answer(span: Span) -> str:
    """Say what came back; empty when nothing did."""
    status = span.attributes.get("http.response.status_code")
    if status:
        return str(status)
    return "" if span.error else "answer"


def _plain(text: str) -> str:
    """Make a text safe for Mermaid, and free of ids, which no two runs share."""
    return " ".join(_ID.sub("{id}", text).translate(_ESCAPES).split())
