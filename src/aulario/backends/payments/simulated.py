"""`simulated:` stands in for a provider: no money moves, and it says so in every reference it gives."""

import hashlib
from pathlib import Path

from aulario.backends.payments import Charge, Charged, GatewayDown, PaymentGateway

_REASONS = ("the card was declined", "there are not enough funds", "the card has expired")


class SimulatedGateway(PaymentGateway):
    """Decides by the key alone, so that a repeated call gets its first answer without anything being remembered.

    `rate` is how many of a hundred charges succeed; `seed` makes another series of outcomes. While a file `outage`
    exists it is down. Each charge is appended to `journal`, when that is given, for those who count.
    """

    name = "simulated"

    def __init__(self, rate: int = 90, seed: int = 0, outage: Path | None = None, journal: Path | None = None) -> None:
        self._rate, self._seed, self._outage, self._journal = rate, seed, outage, journal

    async def charge(self, charge: Charge, key: str) -> Charged:
        if self._outage is not None and self._outage.exists():
            message = "the simulated gateway is down"
            raise GatewayDown(message)
        digest = hashlib.sha256(f"{self._seed}/{key}".encode()).digest()
        reference = f"simulated-{digest[:8].hex()}"
        if self._journal is not None:
            with self._journal.open("a", encoding="utf-8") as journal:
                journal.write(f"{charge.payment_id} {key} {reference}\n")
        if int.from_bytes(digest[8:16]) % 100 < self._rate:
            return Charged("paid", reference)
        return Charged("failed", reference, _REASONS[digest[16] % len(_REASONS)])
