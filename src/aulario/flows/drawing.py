"""Draws a story as a Mermaid sequence diagram from its spans alone: the same picture for every run of the story."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from aulario.backends.traces import Span

CLIENT = "client"
"""Who calls from outside."""

Shape: TypeAlias = tuple[Any, ...]

# Mermaid ends a message at a semicolon, and reads an entity after a number sign.
_ESCAPES = str.maketrans({"#": "#35;", ";": "#59;"})
_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b", re.IGNORECASE)
_RESERVED = frozenset("""activate actor alt and as autonumber box break create critical deactivate destroy else end left
link links loop note off opt over par participant properties rect right title""".split())


class Delivery(NamedTuple):
    """An event on its way to one handler: all attempts, the last one last."""

    sender: str
    attempts: list[Span]


def sequence_diagram(spans: Iterable[Span]) -> str:
    """Draw the spans of one trace.

    What is synchronous is drawn in order beneath its caller, then the reply, then the deliveries it led to, breadth
    first, by the order their events were recorded in: never by the time of branches that ran beside one another.
    """
    story = _Story(spans)
    drawing = _Drawing()
    for root in story.roots():
        waiting = deque(_visit(story, drawing, root, str(root.attributes.get("aulario.source", CLIENT))))
        while waiting:
            waiting.extend(_deliver(story, drawing, waiting.popleft()))
    return drawing.text()


def as_page(title: str, story: str, diagram: str) -> str:
    """Give a Markdown page with the diagram in it."""
    note = "Drawn from the trace of a run. A test fails when a fresh run draws another picture."
    return f"# {title}\n\n{story.strip()}\n\n```mermaid\n{diagram.strip()}\n```\n\n{note}\n"


class _Story:
    """The spans as a tree, in an order that does not depend on who was faster."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = {span.span_id: span for span in spans}
        self._children: defaultdict[str, list[Span]] = defaultdict(list)
        for span in self._spans.values():
            # A parent that was not sampled, or is forgotten already, leaves its children to begin for themselves.
            self._children[span.parent_id if span.parent_id in self._spans else ""].append(span)
        self._shapes: dict[str, Shape] = {}

    def roots(self) -> list[Span]:
        return self._in_order(self._children[""])

    def calls(self, span: Span) -> list[Span]:
        """Give what was done within a span, in order."""
        return self._in_order(child for child in self._children[span.span_id] if child.kind != "CONSUMER")

    def deliveries(self, span: Span) -> list[Delivery]:
        """Give the deliveries of the events that a span recorded, in the order of its outbox."""
        found: defaultdict[Shape, list[Span]] = defaultdict(list)
        for child in self._children[span.span_id]:
            if child.kind == "CONSUMER":
                found[_place(child), child.attributes.get("messaging.message.id")].append(child)
        deliveries = [Delivery(span.service, sorted(attempts, key=_time)) for attempts in found.values()]
        return sorted(deliveries, key=lambda each: (_place(each.attempts[0]), [*map(self._shape, each.attempts)]))

    def has_child(self, span: Span, kind: str) -> bool:
        """Tell whether another service, or any when events are asked for, shows the other side of a span."""
        return any(
            child.kind == kind and (kind == "CONSUMER" or child.service != span.service)
            for child in self._children[span.span_id]
        )

    def _in_order(self, spans: Iterable[Span]) -> list[Span]:
        """Order by time what followed one another, and by what it looks like what ran at once."""
        ordered: list[Span] = []
        together: list[Span] = []
        end = 0
        for span in sorted((span for span in spans if not span.attributes.get("aulario.poll")), key=_time):
            if span.start_ns >= end:
                ordered += sorted(together, key=self._shape)
                together = []
            together.append(span)
            end = max(end, span.end_ns)
        return ordered + sorted(together, key=self._shape)

    def _shape(self, span: Span) -> Shape:
        """Give what a span and all beneath it would look like, as something that can be compared."""
        if span.span_id not in self._shapes:
            beneath = [*map(self._shape, self.calls(span))]
            for delivery in self.deliveries(span):
                beneath += map(self._shape, delivery.attempts)
            own = (span.kind, span.service, _label(span), _peer(span), _answer(span), span.error)
            self._shapes[span.span_id] = (*own, tuple(beneath))
        return self._shapes[span.span_id]


class _Drawing:
    """The lines of a diagram; participants stand in the order of their first appearance."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._lines: list[str] = []

    def arrow(self, sender: str, arrow: str, receiver: str, text: str) -> None:
        self._lines.append(f"{self._name(sender)}{arrow}{self._name(receiver)}: {_plain(text)}")

    def note(self, participant: str, text: str) -> None:
        self._lines.append(f"Note over {self._name(participant)}: {_plain(text)}")

    def text(self) -> str:
        participants = [
            f"participant {name}" if name == shown else f"participant {name} as {_plain(shown)}"
            for shown, name in self._names.items()
        ]
        return "".join(f"{line}\n" for line in ("sequenceDiagram", *(f"    {each}" for each in participants + self._lines)))

    def _name(self, participant: str) -> str:
        """Give a participant's name in a form that Mermaid takes for one."""
        if participant not in self._names:
            name = re.sub(r"\W+", "_", participant, flags=re.ASCII).strip("_") or "unknown"
            while name.lower() in _RESERVED or name in self._names.values():
                name += "_"
            self._names[participant] = name
        return self._names[participant]


def _visit(story: _Story, drawing: _Drawing, span: Span, caller: str) -> Iterator[Delivery]:
    """Draw a span and what was done within it; gives the deliveries it led to, for later."""
    if span.kind == "CONSUMER":
        yield Delivery(caller, [span])
        return
    peer = _peer(span)
    if span.kind == "PRODUCER" and peer and not story.has_child(span, "CONSUMER"):
        drawing.arrow(span.service, "-)", peer, _label(span))
    if span.kind == "SERVER":
        yield from _call(story, drawing, span, caller, span.service)
    elif span.kind == "CLIENT" and peer and not story.has_child(span, "SERVER"):
        yield from _call(story, drawing, span, span.service, peer)
    else:
        yield from _within(story, drawing, span)


def _call(story: _Story, drawing: _Drawing, span: Span, caller: str, callee: str) -> Iterator[Delivery]:
    drawing.arrow(caller, "->>", callee, _label(span))
    yield from _within(story, drawing, span)
    answer = _answer(span)
    drawing.arrow(callee, "-->>" if answer else "--x", caller, answer or span.error)


def _within(story: _Story, drawing: _Drawing, span: Span) -> Iterator[Delivery]:
    for child in story.calls(span):
        yield from _visit(story, drawing, child, span.service)
    if rows := span.attributes.get("aulario.rows"):
        drawing.note(span.service, f"{rows} in one transaction")
    yield from story.deliveries(span)


def _deliver(story: _Story, drawing: _Drawing, delivery: Delivery) -> Iterator[Delivery]:
    attempts = delivery.attempts
    last = attempts[-1]
    drawing.arrow(delivery.sender, "-x" if last.error else "-)", last.service, _label(last))
    # A call out and the effect of its answer are two spans of one attempt, so failures are what counts retries.
    failures = sum(1 for attempt in attempts if attempt.error)
    if retries := failures - bool(last.error):
        drawing.note(last.service, "retried once" if retries == 1 else f"retried {retries} times")
    for attempt in [each for each in attempts if not each.error] or [last]:
        yield from _within(story, drawing, attempt)


def _place(span: Span) -> Shape:
    """Give where a delivery stands among those of one span: its event's place in the outbox first."""
    sequence = span.attributes.get("aulario.sequence", 0)
    return sequence, _label(span), span.service, str(span.attributes.get("aulario.handler", span.name))


def _time(span: Span) -> tuple[int, int]:
    return span.start_ns, span.end_ns


def _label(span: Span) -> str:
    """Say what a span is about, in words that are the same in every run."""
    attributes = span.attributes
    if span.kind == "SERVER" and "http.route" in attributes:
        return f"{attributes.get('http.request.method', '')} {attributes['http.route']}".strip()
    named = attributes.get("rpc.method") or attributes.get("messaging.destination.name")
    return str(named or span.name)


def _peer(span: Span) -> str:
    return str(span.attributes.get("peer.service", ""))


def _answer(span: Span) -> str:
    """Say what came back; empty when nothing did."""
    status = span.attributes.get("http.response.status_code")
    return str(status) if status else "" if span.error else "answer"


def _plain(text: str) -> str:
    """Make a text safe for Mermaid, and free of ids, which no two runs share."""
    return " ".join(_ID.sub("{id}", text).translate(_ESCAPES).split())
