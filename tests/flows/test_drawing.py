"""Sequence diagrams drawn from spans: the rules one by one, then that no run of a story draws another picture."""

import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aulario.backends.traces import Span
from aulario.flows.drawing import as_page, sequence_diagram


@dataclass(frozen=True)
class Work:
    """What happened, without ids and times: those differ from run to run."""

    kind: str
    service: str
    name: str = "work"
    calls: tuple["Work", ...] = ()
    events: tuple["Event", ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    at_once: bool = False
    """Whether the calls run beside one another."""


@dataclass(frozen=True)
class Event:
    """A recorded event, and for each handler the attempts to handle it."""

    topic: str
    handlers: tuple[tuple[Work, ...], ...]


def serve(service: str, route: str, *calls: Work, status: int = 200, **more: Any) -> Work:
    method, _, path = route.partition(" ")
    attributes = {"http.request.method": method, "http.route": path, "http.response.status_code": status}
    return Work("SERVER", service, route, calls, more.pop("events", ()), attributes | more.pop("noted", {}), **more)


def ask(service: str, peer: str, name: str, *calls: Work, **more: Any) -> Work:
    return Work("CLIENT", service, name, calls, attributes={"peer.service": peer}, **more)


def handle(service: str, *calls: Work, **more: Any) -> Work:
    return Work("CONSUMER", service, f"{service}.on_it", calls, **more)


class Run:
    """One run of a story: ids, times and delays as chance has them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._trace = self._hex(128)
        self._sequence = chance.randrange(10_000)
        self.spans: list[Span] = []

    def play(self, *works: Work) -> list[Span]:
        now = self._chance.randrange(10**9)
        for work in works:
            now = self._work(work, "", now)
        self._chance.shuffle(self.spans)
        return self.spans

    def _work(self, work: Work, parent: str, start: int, **noted: Any) -> int:
        """Lay a piece of work out from its start; gives an instant after its end."""
        span_id, now = self._hex(64), start + self._delay()
        if work.at_once:
            # All have begun before one ends.
            now = max([now, *(self._work(call, span_id, now - self._chance.randrange(3)) for call in work.calls)])
        else:
            for call in work.calls:
                now = self._work(call, span_id, now)
        end = now + self._delay()
        self.spans.append(
            Span(
                self._trace, span_id, parent, work.name, work.kind, work.service, "acme", start, end, work.error,
                {**work.attributes, **noted, "aulario.request_id": str(self._uuid())},
            )
        )  # fmt: skip
        for event in work.events:
            self._deliver(event, span_id, end)
        return end + self._chance.randrange(2)

    def _deliver(self, event: Event, recorder: str, now: int) -> None:
        self._sequence += self._chance.randrange(1, 4)
        noted = {
            "messaging.destination.name": event.topic,
            "messaging.message.id": str(self._uuid()),
            "aulario.sequence": self._sequence,
        }
        for attempts in event.handlers:
            at = now + self._chance.randrange(10_000)
            for attempt in attempts:
                at = self._work(attempt, recorder, at, **noted, **{"aulario.handler": attempt.name})

    def _delay(self) -> int:
        return self._chance.randrange(10, 1000)

    def _hex(self, bits: int) -> str:
        return f"{self._chance.getrandbits(bits):0{bits // 4}x}"

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._chance.getrandbits(128))


def drawn(*works: Work, seed: int = 1) -> list[str]:
    """Give the lines below the participants."""
    text = sequence_diagram(Run(random.Random(seed)).play(*works))
    return [line.strip() for line in text.splitlines()[1:] if "participant" not in line]


def welcome() -> Work:
    """Give the welcome flow, whose gateway was down twice."""
    down = handle("payments", ask("payments", "simulated gateway", "charge", error="GatewayDown"), error="Unavailable")
    called = handle("payments", ask("payments", "simulated gateway", "charge"))
    enrol = Event("order.paid", ((handle("courses"),),))
    completed = Event("payment.completed", ((handle("orders", events=(enrol,)),),))
    settled = handle("payments", events=(completed,))
    ordered = Event("order.created", ((down, down, called, settled),))
    known = Event("user.created", ((handle("courses"),), (handle("orders", events=(ordered,)),)))
    users = serve("identity", "POST /api/users", status=201, events=(known,), noted={"aulario.rows": "users + outbox"})
    return serve("edge", "POST /api/users", users, status=201)


WELCOME = """\
sequenceDiagram
    participant client
    participant edge
    participant identity
    participant courses
    participant orders
    participant payments
    participant simulated_gateway as simulated gateway
    client->>edge: POST /api/users
    edge->>identity: POST /api/users
    Note over identity: users + outbox in one transaction
    identity-->>edge: 201
    edge-->>client: 201
    identity-)courses: user.created
    identity-)orders: user.created
    orders-)payments: order.created
    Note over payments: retried 2 times
    payments->>simulated_gateway: charge
    simulated_gateway-->>payments: answer
    payments-)orders: payment.completed
    orders-)courses: order.paid
"""


def test_the_welcome_flow() -> None:
    """A whole story: calls and their replies first, then the deliveries, a call out within its handler."""
    assert sequence_diagram(Run(random.Random(1)).play(welcome())) == WELCOME


def test_a_call_with_both_sides_is_drawn_once() -> None:
    """Where the other service left a span of its own, that one shows the call, and what came back."""
    settle = serve("payments", "POST /settle", ask("payments", "ledger", "book"), status=202)
    assert drawn(serve("finance", "POST /close", ask("finance", "payments", "POST", settle))) == [
        "client->>finance: POST /close",
        "finance->>payments: POST /settle",
        "payments->>ledger: book",
        "ledger-->>payments: answer",
        "payments-->>finance: 202",
        "finance-->>client: 200",
    ]


def test_a_question_is_drawn_by_its_method() -> None:
    """In one process only the asker leaves a span; the picture is that of a call all the same."""
    question = Work("CLIENT", "orders", "ask", attributes={"peer.service": "payments", "rpc.method": "steps_of_order"})
    assert drawn(serve("orders", "GET /story", question))[1:3] == [
        "orders->>payments: steps_of_order",
        "payments-->>orders: answer",
    ]


def test_a_call_that_failed_ends_in_a_cross() -> None:
    """Who asked and got no answer is seen to have got none; an answer of 503 is an answer."""
    failed = ask("orders", "payments", "ask", error="TimeoutError")
    assert drawn(serve("orders", "GET /story", failed, status=503, error="503"))[1:] == [
        "orders->>payments: ask",
        "payments--xorders: TimeoutError",
        "orders-->>client: 503",
    ]


def test_work_inside_a_service_is_not_drawn() -> None:
    """What only one service sees makes no arrow, and what it leads to does."""
    inside = Work("INTERNAL", "orders", "price", (ask("orders", "cache", "get"),))
    assert drawn(Work("INTERNAL", "orders", "job", (inside, Work("CLIENT", "orders", "SELECT")))) == [
        "orders->>cache: get",
        "cache-->>orders: answer",
    ]


def test_a_push_goes_one_way() -> None:
    """A message to somebody who leaves no span is an arrow; one to a worker is drawn where it arrives."""
    push = Work("PRODUCER", "edge", "forum.message.posted", attributes={"peer.service": "client"})
    task = Work("PRODUCER", "content", "enqueue", events=(Event("thumbnails", ((handle("worker"),),)),))
    assert drawn(serve("content", "POST /api/upload/avatar", push, task)) == [
        "client->>content: POST /api/upload/avatar",
        "edge-)client: forum.message.posted",
        "content-->>client: 200",
        "content-)worker: thumbnails",
    ]


@pytest.mark.parametrize(
    ("attempts", "arrow", "notes"),
    [
        (("",), "-)", []),
        (("KeyError", ""), "-)", ["Note over orders: retried once"]),
        (("", "KeyError", "", ""), "-)", ["Note over orders: retried once"]),
        (("KeyError",), "-x", []),
        (("KeyError", "KeyError", "KeyError"), "-x", ["Note over orders: retried 2 times"]),
    ],
)
def test_attempts_are_one_arrow(attempts: tuple[str, ...], arrow: str, notes: list[str]) -> None:
    """However often a handler tried, its event reached it once; a cross says that it never got through."""
    tried = tuple(handle("orders", error=error) for error in attempts)
    story = serve("identity", "POST /", events=(Event("user.created", (tried,)),))
    assert drawn(story)[2:] == [f"identity{arrow}orders: user.created", *notes]


def test_deliveries_are_drawn_breadth_first_in_the_order_of_the_outbox() -> None:
    """The first event's handlers come first, by name, and what they led to only after all of this level."""
    later = Event("z.later", ((handle("z"),),))
    first = Event("b.first", ((handle("y", events=(later,)),), (handle("x"),)))
    second = Event("a.second", ((handle("x", events=(Event("q", ((handle("q"),),)),)),),))
    assert drawn(serve("edge", "POST /", serve("s", "POST /", events=(first, second))))[4:] == [
        "s-)x: b.first",
        "s-)y: b.first",
        "s-)x: a.second",
        "y-)z: z.later",
        "x-)q: q",
    ]


def test_waiting_is_not_part_of_the_story() -> None:
    """Requests that only ask whether something has happened are left out, with all beneath them."""
    poll = serve("edge", "GET /api/orders/{id}", serve("orders", "GET /"), noted={"aulario.poll": True})
    assert drawn(poll, serve("edge", "POST /a"), poll, serve("edge", "POST /b"), poll) == [
        "client->>edge: POST /a",
        "edge-->>client: 200",
        "client->>edge: POST /b",
        "edge-->>client: 200",
    ]


def test_a_request_comes_after_all_that_the_one_before_it_led_to() -> None:
    """When a client asked again, deliveries of its first request may still have been under way."""
    event = Event("user.created", ((handle("orders"),),))
    again = serve("edge", "POST /retry")
    assert drawn(serve("edge", "POST /", events=(event,)), again)[2:4] == [
        "edge-)orders: user.created",
        "client->>edge: POST /retry",
    ]


def test_a_long_request_does_not_mix_up_those_beside_it() -> None:
    """A socket stays open during the whole story; what followed one another is still drawn so."""
    chance = Run(random.Random(1))
    spans = chance.play(serve("edge", "POST /z"), serve("edge", "POST /a"), serve("edge", "POST /m"))
    start, end = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    socket = Span("t", "s" * 16, "", "GET /live", "SERVER", "edge", "acme", start, end, "", {"http.route": "/live"})
    asked = re.findall("client->>edge: POST (.*)", sequence_diagram([*spans, socket]))
    assert asked == ["/z", "/a", "/m"]


def test_a_delivery_whose_recorder_is_unknown_names_its_source() -> None:
    """When the first spans of a trace are gone, an event still says whose it was."""
    lost = Work("CONSUMER", "orders", "orders.on_it", attributes={"aulario.source": "identity"})
    assert drawn(lost) == ["identity-)orders: orders.on_it"]


def test_names_and_texts_are_safe_for_mermaid() -> None:
    """A reserved word, a sign or an id in a name breaks no diagram and differs in no run."""
    odd = ask("end", "the note; #1", f"get {uuid.UUID(int=7)} and {'ab12' * 8}")
    lines = sequence_diagram(Run(random.Random(1)).play(odd, ask("the-note: 1", "The note; #1", "x"))).splitlines()
    assert lines[1:7] == [
        "    participant end_ as end",
        "    participant the_note_1 as the note#59; #35;1",
        "    participant the_note_1_ as the-note: 1",
        "    participant The_note_1 as The note#59; #35;1",
        "    end_->>the_note_1: get {id} and {id}",
        "    the_note_1-->>end_: answer",
    ]


def test_nothing_is_drawn_of_nothing() -> None:
    """An empty trace is an empty diagram, and a span that is its own ancestor is no story."""
    loop = Span("t", "a", "a", "x", "SERVER", "edge", "acme", 1, 2)
    assert sequence_diagram([]) == sequence_diagram([loop]) == "sequenceDiagram\n"


def test_a_page_holds_the_story_and_its_picture() -> None:
    """The page is Markdown that shows the diagram where Mermaid is known."""
    page = as_page("Welcome", "A new user gets an order.\n", WELCOME)
    assert page.startswith("# Welcome\n\nA new user gets an order.\n\n```mermaid\nsequenceDiagram\n")
    assert "orders-)courses: order.paid\n```\n\n" in page
    assert page.endswith("picture.\n")


SERVICES = st.sampled_from(["orders", "payments", "courses"])
KINDS = st.sampled_from(["SERVER", "CLIENT", "PRODUCER", "INTERNAL"])
PEERS = st.sampled_from([{}, {"peer.service": "gateway"}, {"aulario.rows": "rows"}, {"aulario.poll": True}])


def works(beneath: st.SearchStrategy[Work]) -> st.SearchStrategy[Work]:
    handlers = st.builds(
        lambda work, errors: tuple(
            Work("CONSUMER", work.service, "on", work.calls, work.events, {}, e) for e in errors
        ),
        beneath,
        st.lists(st.sampled_from(["", "", "KeyError"]), min_size=1, max_size=3),
    )
    events = st.builds(
        Event,
        st.sampled_from(["a.done", "b.done"]),
        # One handler of a name a service.
        st.lists(handlers, max_size=3, unique_by=lambda attempts: attempts[0].service).map(tuple),
    )
    return st.builds(
        Work,
        KINDS,
        SERVICES,
        st.sampled_from(["get", "set"]),
        st.lists(beneath, max_size=3).map(tuple),
        st.lists(events, max_size=2).map(tuple),
        PEERS,
        at_once=st.booleans(),
    )


# Seeds, not hypothesis' own generators: those would give two spans one id.
CHANCES = st.integers(0, 2**32).map(random.Random)
STORIES = st.lists(st.recursive(st.builds(Work, KINDS, SERVICES), works, max_leaves=12), min_size=1, max_size=3)


@given(STORIES, CHANCES, CHANCES)
def test_every_run_of_a_story_draws_the_same_picture(
    story: list[Work], one: random.Random, other: random.Random
) -> None:
    """Ids, times, the order of spans and who was faster of what ran at once leave no mark on the picture."""
    assert sequence_diagram(Run(one).play(*story)) == sequence_diagram(Run(other).play(*story))


@given(CHANCES)
def test_every_run_of_the_welcome_flow_draws_its_picture(chance: random.Random) -> None:
    """The picture that is committed is the one that any run draws, with no id in it."""
    assert sequence_diagram(Run(chance).play(welcome())) == WELCOME


LINE = re.compile(
    r"sequenceDiagram|    (participant \w+( as [^\n]+)?|\w+(->>|-->>|--x|-\)|-x)\w+: [^;\n]+|Note over \w+: [^;\n]+)"
)


@given(STORIES, CHANCES)
def test_every_line_is_mermaid(story: list[Work], chance: random.Random) -> None:
    """The renderer is not here to ask, so each line is held to the grammar."""
    assert all(map(LINE.fullmatch, sequence_diagram(Run(chance).play(*story)).splitlines()))
