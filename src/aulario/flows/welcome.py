"""welcome: a new person gets a welcome order, its payment, and a place in the course."""

from collections.abc import Mapping
from typing import Any

from aulario.flows.stage import Flow, FlowError, Login, Stage
from aulario.kit.ids import uuid7

STORY = """An administrator adds a person. Nobody calls anybody after that: **orders** hears that the person came \
and makes the one welcome order, **payments** hears of the order and charges it through the academy's gateway, \
**orders** hears how that ended, and **courses** hears that the order is paid and enrols the person.

A crash at any arrow loses nothing and doubles nothing: each step stores its rows, its events and the mark that it \
happened in one transaction. A refused payment ends in a failed order, which its owner can pay again; a gateway that \
is down keeps the payment pending until it is back. `GET /api/orders/{id}/story` tells an administrator where a \
learner stands, and why."""

ATTEMPTS = 5
PASSWORD = "a-quiet-river-at-dawn"  # noqa: S105 - of a person who exists for this story only


async def play(stage: Stage, login: Login) -> Mapping[str, str]:
    """Add a person and follow them into the course; raises FlowError where the story stops."""
    admin = await stage.sign_in(login)
    email = f"welcome-{uuid7()}@{login.academy}.example"
    person = await stage.call(admin, "POST", "/api/users", {"email": email, "name": "Newcomer", "password": PASSWORD})
    stage.told(f"added {email}, and it is on disk")
    user = person["id"]
    for attempt in range(1, ATTEMPTS + 1):
        order = await stage.until(admin, f"/api/orders?user_id={user}", _ended(attempt), "the order's payment")
        stage.told(f"attempt {attempt} to pay {order['total_amount']} {order['currency']}: {order['status']}")
        if order["status"] == "paid":
            break
        stage.told(f"refused, as one in ten is: {order['reason']}; its owner tries again")
        owner = await stage.sign_in(Login(login.academy, email, PASSWORD))
        await stage.call(owner, "POST", f"/api/orders/{order['id']}/retry")
    else:
        message = f"the payment was refused {ATTEMPTS} times"
        raise FlowError(message)
    await stage.until(admin, f"/api/enrolments?user_id={user}", lambda page: page["items"] or None, "the enrolment")
    story = await stage.until(admin, f"/api/orders/{order['id']}/story", lambda told: told, "the order's story")
    for step in story["steps"]:
        stage.told(f"{step['service']}: {step['text']}")
    return admin


def _ended(attempt: int) -> Any:
    def ended(page: Any) -> Any:
        orders = (order for order in page["items"] if order["attempt"] == attempt and order["status"] != "created")
        return next(orders, None)

    return ended


welcome = Flow("welcome", "A new person gets a welcome order, its payment, and a place in the course", STORY, play)
