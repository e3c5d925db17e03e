"""Whose word about an address and a request id is taken."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aulario.edge.hops import Hops, request_id

HOPS = Hops([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])

CHAINS = [
    ("203.0.113.9", None, "203.0.113.9"),
    ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
    ("10.0.0.1", None, "10.0.0.1"),
    ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
    ("10.0.0.1", "203.0.113.9,,10.0.0.2", "10.0.0.2"),
    ("10.0.0.1", "nonsense, 10.0.0.2", "nonsense"),
    ("fd00::1", "2001:db8::9", "2001:db8::9"),
    ("::ffff:10.0.0.1", "203.0.113.9", "::ffff:10.0.0.1"),
    ("", "203.0.113.9", ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), CHAINS)
def test_the_nearest_address_that_is_not_ours_is_the_clients(peer: str, forwarded: str | None, client: str) -> None:
    """Read from the right: what stands before the first stranger, that stranger may have written."""
    assert HOPS.client(peer, forwarded) == client


@pytest.mark.parametrize("address", ["10.0.0.1", "10.255.255.255", "fd00::1"])
def test_our_networks_are_trusted(address: str) -> None:
    """Each address in them, each time it is asked for."""
    assert HOPS.is_trusted(address)
    assert HOPS.is_trusted(address)


@pytest.mark.parametrize("address", ["", "10.0.0", "010.0.0.1", "10.0.0.1 ", "10.0.0.1:80", "0x0a000001", "11.0.0.1"])
def test_nothing_else_is(address: str) -> None:
    """Neither other networks nor what only looks like an address."""
    assert not HOPS.is_trusted(address)


@given(text=st.text(max_size=50))
def test_no_text_is_an_address_of_ours(text: str) -> None:
    """Whatever is written, it is trusted only when it is an address in our networks."""
    trusted = HOPS.is_trusted(text)
    assert not trusted or ip_address(text) is not None


def test_what_is_remembered_is_bounded() -> None:
    """Addresses are free to invent, memory is not."""
    hops = Hops([ip_network("10.0.0.0/8")])
    for number in range(12_000):
        hops.is_trusted(f"192.0.{number // 256}.{number % 256}")
    assert len(hops._known) <= 10_001  # noqa: SLF001 - the memory that must not grow
    assert hops.is_trusted("10.0.0.1")


@pytest.mark.parametrize("given_id", ["01a1fe83-ae78-7319", "A" * 128, "a.b_c-d1"])
def test_a_request_id_is_taken(given_id: str) -> None:
    """Letters, digits, dots, dashes and underscores, eight of them or more."""
    assert request_id(given_id) == given_id


@pytest.mark.parametrize(
    "given_id", [None, "", "short", "a" * 129, "with space1", "line\nbreak", "ünïcödé1", "a/b/c/d/e"]
)
def test_what_is_no_request_id_is_not(given_id: str | None) -> None:
    """It would be logged and sent on."""
    assert request_id(given_id) is None
