"""The promises of the payments contract, kept by the gateway that moves no money."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from aulario.backends.payments import Charge, GatewayDown
from aulario.backends.payments.simulated import SimulatedGateway

CHARGE = Charge("p1", "t1", Decimal("40.00"), "EUR")
COUNT = 2000


async def outcomes(gateway: SimulatedGateway) -> list[str]:
    return [(await gateway.charge(CHARGE, f"key {number}")).outcome for number in range(COUNT)]


async def test_one_key_has_one_answer() -> None:
    """However often it is asked, in this process and in the next, and whatever else was charged between."""
    first = await SimulatedGateway().charge(CHARGE, "key 1")
    gateway = SimulatedGateway()
    await gateway.charge(CHARGE, "key 2")
    assert [await gateway.charge(CHARGE, "key 1") for _ in range(3)] == [first] * 3


async def test_two_keys_are_two_charges() -> None:
    """Each has a reference of its own, which says that nothing was real."""
    gateway = SimulatedGateway()
    references = {(await gateway.charge(CHARGE, f"key {number}")).reference for number in range(COUNT)}
    assert len(references) == COUNT
    assert all(reference.startswith("simulated-") for reference in references)


@pytest.mark.parametrize(("rate", "least", "most"), [(90, 1746, 1854), (50, 911, 1089), (0, 0, 0), (100, COUNT, COUNT)])
async def test_the_rate_is_kept(rate: int, least: int, most: int) -> None:
    """Over 2,000 keys the paid ones are as many as was asked for, give or take four standard deviations."""
    assert least <= (await outcomes(SimulatedGateway(rate))).count("paid") <= most


async def test_another_seed_makes_another_series() -> None:
    """The same seed makes the same one."""
    first = await outcomes(SimulatedGateway(50, seed=1))
    assert await outcomes(SimulatedGateway(50, seed=1)) == first
    assert await outcomes(SimulatedGateway(50, seed=2)) != first


async def test_a_refusal_says_why() -> None:
    """In one of a few ways that people know; a charge that was made has no reason."""
    gateway = SimulatedGateway(50)
    answers = [await gateway.charge(CHARGE, f"key {number}") for number in range(300)]
    reasons = Counter(answer.reason for answer in answers if answer.outcome == "failed")
    assert len(reasons) == 3
    assert None not in reasons
    assert {answer.reason for answer in answers if answer.outcome == "paid"} == {None}


async def test_an_outage_lasts_as_long_as_its_file(tmp_path: Path) -> None:
    """While it is down nothing is known and nothing is written; afterwards the key has the answer it always had."""
    outage, journal = tmp_path / "outage", tmp_path / "journal"
    gateway = SimulatedGateway(outage=outage, journal=journal)
    outage.touch()
    with pytest.raises(GatewayDown):
        await gateway.charge(CHARGE, "key 1")
    assert not journal.exists()
    outage.unlink()
    assert await gateway.charge(CHARGE, "key 1") == await SimulatedGateway().charge(CHARGE, "key 1")


async def test_the_journal_has_every_charge(tmp_path: Path) -> None:
    """One line each, repeated ones too, for those who count."""
    gateway = SimulatedGateway(journal=tmp_path / "journal")
    answers = [await gateway.charge(CHARGE, key) for key in ("k1", "k2", "k1")]
    lines = (tmp_path / "journal").read_text().splitlines()
    assert lines == [f"p1 {key} {answer.reference}" for key, answer in zip(("k1", "k2", "k1"), answers, strict=True)]
