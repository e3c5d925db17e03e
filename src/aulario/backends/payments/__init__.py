"""The payment gateway contract: charge once for a key, whatever is lost on the way."""

from decimal import Decimal
from typing import Literal, Protocol

import msgspec


class Charge(msgspec.Struct, frozen=True):
    """What is to be taken: `amount` in whole units of `currency` (ISO 4217)."""

    payment_id: str
    tenant: str
    amount: Decimal
    currency: str


class Charged(msgspec.Struct, frozen=True):
    """What the gateway said. `reference` is its own name for the charge; `reason` is why it refused."""

    outcome: Literal["paid", "failed"]
    reference: str
    reason: str | None = None


class PaymentGateway(Protocol):
    """One provider.

    Promises: charges of one `key` are one charge, and give one answer, however often they are asked for. Raises
    core.errors.Unavailable, by way of GatewayDown, when the provider cannot be reached; then nothing is known.
    """

    name: str

    async def charge(self, charge: Charge, key: str) -> Charged: ...


class GatewayDown(Exception):
    """The provider gave no answer; ask again later with the same key."""
