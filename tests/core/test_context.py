"""The context that everything carries."""

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aulario.contracts.event import Envelope
from aulario.core.context import CURRENT, Context, current, use

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def envelope(traceparent: str) -> Envelope:
    return Envelope("e1", "orders", "order.created", 1, "acme", "o1", "", "r1", traceparent, "{}")


def test_a_root_begins_a_trace_of_its_own() -> None:
    """Two roots share nothing, and each has ids that other systems accept."""
    one, other = Context.root(), Context.root()
    assert {one.trace_id, one.span_id, one.request_id}.isdisjoint({other.trace_id, other.span_id, other.request_id})
    assert re.fullmatch(r"[0-9a-f]{32}-[0-9a-f]{16}", f"{one.trace_id}-{one.span_id}")
    assert not one.sampled


def test_a_root_keeps_the_request_id_it_is_given() -> None:
    """A trusted hop's request id is carried on."""
    assert Context.root("from-kong").request_id == "from-kong"


def test_only_a_root_is_one() -> None:
    """The first span of a trace can be told from all others, wherever its context has travelled."""
    root = Context.root(sampled=True)
    travelled = Context.from_traceparent(root.traceparent)
    assert root.is_root
    assert travelled is not None
    assert travelled.is_root
    assert root.in_tenant("acme").is_root
    assert not root.child().is_root


def test_reads_what_the_standard_gives_as_its_example() -> None:
    """A trace that began elsewhere goes on here, in the sender's decision to sample it."""
    context = Context.from_traceparent(TRACEPARENT, "r1", tenant="acme")
    assert context == Context("r1", TRACE, SPAN, sampled=True, tenant="acme")
    assert Context.from_traceparent(f"00-{TRACE}-{SPAN}-00", "r1") == Context("r1", TRACE, SPAN, sampled=False)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
        f"01-{TRACE}-{SPAN}-01more",
    ],
)
def test_refuses_what_is_no_traceparent(traceparent: str) -> None:
    """What the standard calls invalid begins no trace; the caller then begins one of its own."""
    assert Context.from_traceparent(traceparent) is None


def test_reads_versions_to_come() -> None:
    """A later version may carry more fields after those that are known."""
    context = Context.from_traceparent(f"01-{TRACE}-{SPAN}-03-more")
    assert context is not None
    assert (context.trace_id, context.span_id, context.sampled) == (TRACE, SPAN, True)


@given(st.text())
def test_reads_any_text_without_an_error(traceparent: str) -> None:
    """A header is what a stranger sent: it is understood or it is not."""
    context = Context.from_traceparent(traceparent)
    assert context is None or Context.from_traceparent(context.traceparent, context.request_id) == context


@given(st.booleans())
def test_survives_the_journey(sampled: bool) -> None:  # noqa: FBT001 - given by hypothesis
    """What is written as a traceparent is read back the same."""
    context = Context.root("r1", sampled=sampled)
    assert Context.from_traceparent(context.traceparent, "r1") == context


def test_a_child_differs_in_its_span_alone() -> None:
    """A new span stays in its request, trace, tenant and service, unless told otherwise."""
    parent = Context.root("r1", sampled=True, tenant="acme", service="edge")
    child = parent.child()
    assert dataclasses.replace(child, span_id=parent.span_id) == parent
    assert child.span_id != parent.span_id
    assert parent.child(service="orders", tenant="other").service == "orders"
    assert parent.child(service="orders", tenant="other").tenant == "other"


def test_another_view_of_a_span_is_the_same_span() -> None:
    """Who learns the tenant later, as at sign-in, goes on in the same span."""
    context = Context.root("r1", service="identity")
    assert context.in_tenant("acme") == dataclasses.replace(context, tenant="acme")
    assert context.in_tenant("acme").in_tenant("acme").within(service="identity") == context.in_tenant("acme")
    assert context.within() is context


def test_an_event_carries_on_where_it_was_recorded() -> None:
    """A handler runs in the request, trace and tenant of its event."""
    assert Context.of(envelope(TRACEPARENT)) == Context("r1", TRACE, SPAN, sampled=True, tenant="acme")


def test_an_event_without_a_trace_begins_one() -> None:
    """An event from a system that knows no traces is handled in its request and tenant all the same."""
    context = Context.of(envelope("none"))
    assert (context.request_id, context.tenant, context.is_root, context.sampled) == ("r1", "acme", True, False)


def test_the_current_context_is_what_is_used() -> None:
    """Uses nest, and end even when the work fails."""
    outer, inner = Context.root(), Context.root()
    with pytest.raises(KeyError), use(outer) as used:  # noqa: PT012 - what is used while it fails is the point
        assert used is outer
        with use(inner):
            assert current() is inner
        assert current() is outer
        raise KeyError
    assert CURRENT.get() is None


def test_there_is_always_a_context() -> None:
    """Work that nobody asked for is in a trace of its own, which is not sampled."""
    assert current().is_root
    assert not current().sampled


def test_threads_do_not_share_a_context() -> None:
    """Another thread is in no context until it is put into one."""
    with ThreadPoolExecutor(1) as pool, use(Context.root()):
        assert pool.submit(CURRENT.get).result() is None
