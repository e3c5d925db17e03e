"""The addresses of orders."""

import asyncio
from typing import Annotated

from fastapi import Query
from msgspec import structs

from aulario.contracts.courses import EnrolmentSteps
from aulario.contracts.payments import PaymentSteps
from aulario.core.endpoints import Language, Working
from aulario.core.pagination import Paged, WantedPage, paged
from aulario.core.routing import Routes
from aulario.services.orders import access, actions, queries, rules
from aulario.services.orders.schemas import OrderOut, StepOut, StoryOut

routes = Routes("orders")


@routes.to("GET", "/api/orders", access.MEMBERS)
async def list_orders(
    work: Working, page: WantedPage, user_id: Annotated[str | None, Query(max_length=36)] = None
) -> Paged[OrderOut]:
    """List orders, newest first: your own, or for an administrator everybody's or one person's."""
    found = await work.read(queries.orders, page, access.listed(work.caller, user_id))
    return paged(OrderOut, found, page)


@routes.to("GET", "/api/orders/{order_id}", access.MEMBERS)
async def show_order(order_id: str, work: Working) -> OrderOut:
    """Show one order to its owner or an administrator."""
    return OrderOut.model_validate(access.visible(work.caller, await work.read(queries.order, order_id)))


@routes.to("POST", "/api/orders/{order_id}/retry", access.MEMBERS, status=202)
async def retry_order(order_id: str, work: Working) -> OrderOut:
    """Try to pay your failed order again."""
    return await work.creating(OrderOut, actions.retry, work.caller, order_id)


@routes.to("GET", "/api/orders/{order_id}/story", access.ADMINS)
async def tell_story(order_id: str, work: Working, language: Language) -> StoryOut:
    """Tell, in order and in plain words, why the learner is or is not in the course."""
    order = await work.read(queries.order, order_id)
    told = await asyncio.gather(
        work.read(queries.steps, order_id),
        work.ask(PaymentSteps(order_id=order_id)),
        work.ask(EnrolmentSteps(order_id=order_id)),
    )
    steps = rules.story(step for part in told for step in part)
    words = [StepOut(**structs.asdict(step), text=rules.sentence(step, language)) for step in steps]
    return StoryOut(order=OrderOut.model_validate(order), steps=words)
