"""The addresses of payments: what administrators see, and what other services ask for."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from aulario.contracts.identity import Role
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, done, problem

PROCESS = "/api/payments/process"


def wanted(**changes: Any) -> dict[str, Any]:
    """Give a payment that another service may ask for."""
    sum_ = {"total_amount": "12.50", "currency": "EUR", "attempt": 1}
    return {"order_id": uuid7(), "user_id": uuid7(), **sum_, **changes}


def service(academy: Academy, caller: str = "finance", target: str = "payments") -> httpx.AsyncClient:
    """Give a client that names itself as a service."""
    return academy.world.client(academy.world.tokens.service_token(caller, target, academy.tenant))


async def ended(academy: Academy, payment_id: str, status: str) -> Any:
    """Wait until a payment came to an end, and give it."""

    async def found() -> Any:
        payment = done(await academy.admin.get(f"/api/payments/{payment_id}"))
        return payment if payment["status"] == status else None

    return await academy.world.until(found)


async def test_an_administrator_sees_what_was_paid(academy: Academy) -> None:
    """A payment is shown with its order, its sum and the gateway's own name for it."""
    payment = (await academy.listed("/api/payments"))[0]
    assert done(await academy.admin.get(f"/api/payments/{payment['id']}")) == payment
    assert (payment["status"], payment["amount"], payment["currency"]) == ("paid", "5.00", "EUR")
    assert payment["reference"].startswith("simulated-")
    assert payment["completed_at"] >= payment["created_at"]


async def test_a_service_has_an_order_paid(academy: Academy) -> None:
    """The answer comes before the gateway's; then the payment is made in the tenant of the service's token."""
    answer = done(await service(academy).post(PROCESS, json=wanted()), 202)
    assert (answer["status"], answer["reference"]) == ("created", None)
    payment = await ended(academy, answer["id"], "paid")
    found = "SELECT tenant, topic FROM outbox WHERE key = ? ORDER BY sequence"
    topics = academy.world.rows("payments", found, payment["order_id"])
    assert topics == [(academy.tenant, "payment.requested"), (academy.tenant, "payment.completed")]


async def test_a_payment_without_an_order_is_no_failure(academy: Academy) -> None:
    """Orders hears of it, has no such order, and is through with it."""
    world, answer = academy.world, done(await service(academy).post(PROCESS, json=wanted()), 202)
    found = "SELECT status FROM inbox WHERE handler = 'orders.on_payment_completed' AND key = ?"

    async def heard() -> list[Any]:
        return world.rows("orders", found, answer["order_id"])

    assert await world.until(heard) == [("done",)]


async def test_one_attempt_is_one_payment_and_one_charge(academy: Academy) -> None:
    """Asked for five times at once, and again when it is over, an attempt is paid once."""
    client, body = service(academy), wanted()
    answers = await asyncio.gather(*(client.post(PROCESS, json=body) for _ in range(5)))
    (payment_id,) = {done(answer, 202)["id"] for answer in answers}
    payment = await ended(academy, payment_id, "paid")
    assert done(await client.post(PROCESS, json=body), 202) == payment
    assert len(academy.world.gateway.charged[payment_id]) == 1


async def test_another_attempt_is_another_payment(academy: Academy) -> None:
    """A second try to pay the same order is charged for itself."""
    body = wanted()
    first = done(await service(academy).post(PROCESS, json=body), 202)
    second = done(await service(academy, "orders").post(PROCESS, json=body | {"attempt": 2}), 202)
    assert first["id"] != second["id"]
    for payment in (first, second):
        await ended(academy, payment["id"], "paid")


async def test_an_attempt_announced_by_its_order_too_is_one_charge(academy: Academy) -> None:
    """Who asks again for what the order's own event began gets that payment."""
    order = await academy.order(academy.people[Role.STUDENT], "paid")
    names = ("user_id", "total_amount", "currency", "attempt")
    body = {"order_id": order["id"], **{name: order[name] for name in names}}
    answer = done(await service(academy).post(PROCESS, json=body), 202)
    assert answer["status"] == "paid"
    assert len(academy.world.gateway.charged[answer["id"]]) == 1


@pytest.mark.parametrize("change", [{"total_amount": "12.51"}, {"currency": "USD"}, {"user_id": "somebody-else"}])
async def test_an_attempt_keeps_its_sum(academy: Academy, change: dict[str, str]) -> None:
    """The same attempt for another sum or person is a conflict, and nothing is charged for it."""
    client, body = service(academy), wanted()
    payment = await ended(academy, done(await client.post(PROCESS, json=body), 202)["id"], "paid")
    problem(await client.post(PROCESS, json=body | change), 409, "conflict")
    assert len(academy.world.gateway.charged[payment["id"]]) == 1


async def test_a_gateway_that_is_down_is_asked_again(academy: Academy) -> None:
    """The payment waits with the gateway, and is made when it is back."""
    world = academy.world
    world.gateway.outage.touch()
    answer = done(await service(academy).post(PROCESS, json=wanted()), 202)
    await ended(academy, answer["id"], "pending")
    world.gateway.outage.unlink()
    world.clock.advance(timedelta(minutes=2))
    await ended(academy, answer["id"], "paid")


WRONG = [
    {"total_amount": "-1"},
    {"total_amount": "1000000.01"},
    {"total_amount": "0.001"},
    {"total_amount": "NaN"},
    {"total_amount": "Infinity"},
    {"total_amount": None},
    {"currency": "eur"},
    {"currency": "EURO"},
    {"attempt": 0},
    {"attempt": 1001},
    {"attempt": "one"},
    {"order_id": ""},
    {"order_id": "a" * 37},
    {"order_id": "a\x00b"},
    {"user_id": "../etc"},
    {"tenant_id": "another"},
    {"status": "paid"},
    {"id": "mine"},
]


@pytest.mark.parametrize("change", WRONG, ids=repr)
async def test_what_cannot_be_paid_is_refused(academy: Academy, change: dict[str, Any]) -> None:
    """Sums, currencies, attempts and ids of a wrong form, and fields nobody asked for."""
    problem(await service(academy).post(PROCESS, json=wanted(**change)), 422, "unprocessable")


async def test_only_the_named_services_may_ask(academy: Academy, world: World) -> None:
    """Anonymous callers, people of every role, tokens for others and other services are refused."""
    problem(await world.client().post(PROCESS, json=wanted()), 401, "unauthorized")
    for role in Role:
        problem(await academy.client(role).post(PROCESS, json=wanted()), 401, "unauthorized")
    problem(await service(academy, target="orders").post(PROCESS, json=wanted()), 401, "unauthorized")
    problem(await service(academy, "courses").post(PROCESS, json=wanted()), 403, "forbidden")


async def test_a_forged_service_token_is_refused(academy: Academy, world: World) -> None:
    """One changed in any part, one that is over and one sent in another way do not count."""
    token = world.tokens.service_token("finance", "payments", academy.tenant)
    head, claims, signature = token.split(".")
    other = world.tokens.service_token("orders", "payments", uuid7()).split(".")[1]
    for forged in (f"{head}.{other}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.{signature[::-1]}"):
        problem(await world.client(forged).post(PROCESS, json=wanted()), 401, "unauthorized")
    basic = await world.client(authorization=f"Basic {token}").post(PROCESS, json=wanted())
    problem(basic, 401, "unauthorized")
    world.clock.advance(timedelta(seconds=60))
    problem(await world.client(token).post(PROCESS, json=wanted()), 401, "unauthorized")


async def test_a_service_token_opens_nothing_else(academy: Academy) -> None:
    """What a service may ask of payments, it may not ask of the people's addresses."""
    for target in ("payments", "aulario"):
        for path in ("/api/payments", "/api/users", "/api/orders", "/api/users/me"):
            problem(await service(academy, target=target).get(path), 401, "unauthorized")
