"""Whose word is taken: the client's address, the request id and the trace, as far as trusted hops vouch for them."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


class Hops:
    """The networks that our own proxies are in."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(trusted)
        self._known: dict[str, bool] = {}

    def is_trusted(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) > 10_000:  # noqa: PLR2004 - a bound on memory, nothing more
                self._known.clear()
            known = self._known[address] = self._look_up(address)
        return known

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """Give the address of the nearest hop that is not ours; what stands before it anybody may have written."""
        address = peer
        for hop in reversed((forwarded_for or "").split(",")):
            if not self.is_trusted(address) or not hop.strip():
                break
            address = hop.strip()
        return address

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def request_id(given: str | None) -> str | None:
    """Give a request id that is fit to be logged and sent on, or None."""
    return given if given and _REQUEST_ID.fullmatch(given) else None
