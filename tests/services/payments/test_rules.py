"""Which step a payment may take."""

from itertools import product

import pytest

from aulario.core.errors import Conflict
from aulario.services.payments.rules import Status, is_ended, step

LEGAL = {("created", "pending"), ("pending", "paid"), ("pending", "failed")}


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_payment_takes_legal_steps_only(before: Status, after: Status) -> None:
    """Three of all pairs are steps; every other is a conflict, the repeat of a state too."""
    if (before, after) in LEGAL:
        assert step(before, after) is after
    else:
        with pytest.raises(Conflict, match=f"a payment that is {before} cannot become {after}"):
            step(before, after)


def test_paid_and_failed_are_the_ends() -> None:
    """Nothing follows them."""
    assert [status for status in Status if is_ended(status)] == [Status.PAID, Status.FAILED]
