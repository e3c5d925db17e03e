"""The addresses of orders: who sees which, and the story of one."""

from aulario.contracts.identity import Role
from aulario.kit.ids import uuid7
from tests.platform import Academy, done, problem


async def test_people_see_their_own_order_and_administrators_all(academy: Academy) -> None:
    """A list is narrowed by who asks, whatever they ask for."""
    everybody = await academy.listed("/api/orders")
    assert {order["user_id"] for order in everybody} == set(academy.people.values())
    student, teacher = academy.people[Role.STUDENT], academy.people[Role.TEACHER]
    for wanted in ({}, {"user_id": teacher}):
        mine = done(await academy.client(Role.STUDENT).get("/api/orders", params=wanted))["items"]
        assert [order["user_id"] for order in mine] == [student]
    assert [order["user_id"] for order in await academy.listed("/api/orders", user_id=teacher)] == [teacher]


async def test_an_order_is_shown_to_its_owner_and_to_administrators(academy: Academy) -> None:
    """To others it is as if it did not exist."""
    order = await academy.order(academy.people[Role.STUDENT], "paid")
    path = f"/api/orders/{order['id']}"
    for role in (Role.STUDENT, Role.ADMIN):
        assert done(await academy.client(role).get(path)) == order
    unknown = f"/api/orders/{uuid7()}"
    for role in (Role.TEACHER, Role.ORGANIZER, Role.OPERATOR):
        seen = problem(await academy.client(role).get(path), 404, "not-found")
        assert seen["detail"] == problem(await academy.client(role).get(unknown), 404, "not-found")["detail"]


async def test_a_story_is_for_administrators(academy: Academy) -> None:
    """Not even the owner reads what the services tell each other; no story is told of what is not there."""
    order = await academy.order(academy.people[Role.STUDENT], "paid")
    for role in (Role.STUDENT, Role.TEACHER, Role.ORGANIZER, Role.OPERATOR):
        problem(await academy.client(role).get(f"/api/orders/{order['id']}/story"), 403, "forbidden")
    problem(await academy.admin.get(f"/api/orders/{uuid7()}/story"), 404, "not-found")


async def test_a_story_speaks_the_readers_language(academy: Academy) -> None:
    """Spanish for those who put it first, English for all others; programs read the same codes in both."""
    order = await academy.order(academy.people[Role.STUDENT], "paid")
    english, spanish = [await academy.story(order["id"], language) for language in ("fr, es;q=0.5", "es-AR, en")]
    assert english["steps"][0]["text"] == "The welcome order was made: Welcome, 5.00 EUR."
    assert spanish["steps"][0]["text"] == "Se creó el pedido de bienvenida: Welcome, 5.00 EUR."
    assert [step["code"] for step in english["steps"]] == [step["code"] for step in spanish["steps"]]
    assert english["order"] == spanish["order"] == order


async def test_what_is_not_there_cannot_be_paid_again(academy: Academy) -> None:
    """A retry of an unknown order is refused as any unknown id is."""
    problem(await academy.client(Role.STUDENT).post(f"/api/orders/{uuid7()}/retry"), 404, "not-found")
